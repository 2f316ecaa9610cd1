// Bytes of strangers and of disks, to events and scores. The first byte says what the rest is read as. Whatever is
// taken is the one encoding of what it says.
#include <algorithm>
#include <cstdlib>

#include "actors/reputation/logic/rules.hpp"
#include "actors/reputation/logic/score.hpp"

using namespace troupe;
using namespace troupe::reputation;

namespace {

void expect_equal(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  if (data[0] % 3 == 0) {
    if (const auto event = parse_event(bytes)) {
      static const crypto::SecretKey key{crypto::Seed()};
      const base::Bytes again = sign(*event, key);
      const std::size_t body = bytes.size() - crypto::Signature::kBytes;
      expect_equal(base::ByteView(again).first(body), bytes.first(body));
      Score score;
      score.fold(*event, id_of(bytes));
      if (score.value < 0 || score.value > kMost) std::abort();
    }
  } else if (data[0] % 3 == 1) {
    if (const auto score = Score::decode(bytes)) expect_equal(score->encode(), bytes);
  } else {
    own_rule(base::as_text(bytes));
  }
  return 0;
}
