// What came unasked: an entry a sender, the longest waiting first.
#include "actors/wallet/logic/ledger/strays.hpp"

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

Address sender(std::uint8_t number) {
  Address out;
  out.bytes.fill(number);
  return out;
}

}  // namespace

TEST_CASE("strays: a sender that pays again and again has one entry, with the sum") {
  Strays strays;
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    const auto one = strays.with(i, sender(static_cast<std::uint8_t>(i % 2)), Amount::of(3));
    REQUIRE(one);
    strays.put(*one);
    CHECK(strays.latest() == i);
  }
  CHECK(strays.size() == 2);
  const auto first = strays.first();
  REQUIRE(first.size() == 2);
  CHECK(first[0] == Stray{999, sender(1), Amount::of(1'500)});
  CHECK(first[1] == Stray{1'000, sender(0), Amount::of(1'500)});
  strays.erase(sender(1));
  strays.erase(sender(7));
  CHECK(strays.size() == 1);
  CHECK_FALSE(strays.with(1'001, sender(0), Amount::of(Amount::kMax)));
}

TEST_CASE("strays: those that wait longest are given back first, as many as a transfer takes") {
  Strays strays;
  for (std::uint8_t i = 0; i < 100; ++i) strays.put({i + std::uint64_t{1}, sender(i), Amount::of(1)});
  strays.put(*strays.with(200, sender(0), Amount::of(1)));
  const auto first = strays.first();
  REQUIRE(first.size() == kStraysAtOnce);
  CHECK(first.front().from == sender(1));
  CHECK(first.back().from == sender(kStraysAtOnce));
  for (const Stray& one : first) strays.erase(one.from);
  CHECK(strays.size() == 100 - kStraysAtOnce);
  CHECK(strays.first().back() == Stray{200, sender(0), Amount::of(2)});
}

TEST_CASE("strays: a row is read as it was written, and no other is") {
  const Stray one{7, sender(3), Amount::of(9)};
  CHECK(decode_stray(encode(one)) == one);
  base::Bytes bytes = encode(one);
  bytes.push_back(0);
  CHECK_FALSE(decode_stray(bytes));
  bytes.resize(bytes.size() - 2);
  CHECK_FALSE(decode_stray(bytes));
  CHECK_FALSE(decode_stray(encode(Stray{7, sender(3), Amount()})));
}

TEST_CASE("strays: the first goes back at once, the next ones later each time, and none waits longer than an hour") {
  using namespace std::chrono_literals;
  CHECK(strays_wait(0) == 0s);
  CHECK(strays_wait(1) == 1s);
  CHECK(strays_wait(2) == 2s);
  CHECK(strays_wait(12) == 2'048s);
  CHECK(strays_wait(13) == 1h);
  CHECK(strays_wait(UINT64_MAX) == 1h);
}
