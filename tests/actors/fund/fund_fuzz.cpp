// Bytes of strangers and of disks, to contents, proposals, entries and states of a fund. The first byte says what the
// rest is read as. Whatever is taken is the one encoding of what it says, and is looked at without harm.
#include <algorithm>
#include <cstdlib>

#include "actors/fund/logic/fund.hpp"

using namespace troupe;
using namespace troupe::fund;

namespace {

void expect_same(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

BookId fuzz_book() {
  BookId out;
  out.bytes.fill(7);
  return out;
}

/// As the next entry of a fund that did not write it.
void read_entry(base::ByteView bytes) {
  const auto entry = decode_entry(bytes);
  if (!entry) return;
  expect_same(encode(*entry), bytes);
  Fund fund(fuzz_book());
  for (int i = 0; i < 2; ++i) {
    Entry next = *entry;
    next.sequence = fund.sequence() + 1;
    next.before = fund.hash();
    (void)fund.replay(next);
  }
}

/// A state goes on whatever it says.
void read_state(base::ByteView bytes) {
  auto fund = Fund::decode(fuzz_book(), bytes);
  if (!fund) return;
  expect_same(fund->encode(), bytes);
  const UnixMs now = fund->time();
  if (fund->bound()) fund->posted(wallet::id_of(*fund->bound()), now);
  if (!fund->proposals().empty() && !fund->signers().list.empty())
    (void)fund->sign(fund->proposals().begin()->first, {fund->signers().list.front()}, Amount(), now);
  fund->expire(now + kLifeMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      if (const auto content = decode_content(bytes)) expect_same(encode(*content), bytes);
      break;
    case 1:
      if (const auto proposal = decode_proposal(bytes)) expect_same(encode(*proposal), bytes);
      break;
    case 2: read_entry(bytes); break;
    case 3: read_state(bytes); break;
  }
  return 0;
}
