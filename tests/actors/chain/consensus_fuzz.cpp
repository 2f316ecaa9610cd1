// Bytes of validators, disks and states, to votes, proposals, guards, sets and rotations. The first byte says what the
// rest is read as. Whatever is taken is the one encoding of what it says.
#include <algorithm>
#include <cstdlib>

#include "actors/chain/logic/guard.hpp"
#include "actors/chain/logic/rotation.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

template <class T>
void expect_same(const std::optional<T>& read, base::ByteView bytes) {
  if (read && !std::ranges::equal(encode(*read), bytes)) std::abort();
}

const ValidatorSet& three() {
  static const ValidatorSet set = ValidatorSet::from({{base::NodeId{{1}}, base::PublicKey{{1}}, 1},
                                                      {base::NodeId{{2}}, base::PublicKey{{2}}, 5},
                                                      {base::NodeId{{3}}, base::PublicKey{{3}}, 30}})
                                      .value();
  return set;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: expect_same(parse_vote(bytes), bytes); break;
    case 1: expect_same(parse_proposal(bytes), bytes); break;
    case 2: expect_same(decode_guard(bytes), bytes); break;
    case 3: expect_same(parse_validators(bytes), bytes); break;
    case 4: {
      auto rotation = parse_rotation(bytes, three());
      expect_same(rotation, bytes);
      if (rotation) (void)rotation->next_height(three(), three()).turn(three());
      break;
    }
  }
  return 0;
}
