#include "actors/wallet/logic/ledger/turn_limit.hpp"

#include <doctest/doctest.h>

#include "tests/actors/wallet/keys.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;

namespace {

constexpr base::Rate kRate{64, 640};
constexpr Instant kStart{100s};
constexpr Duration kToken = Duration(1s) / kRate.per_second;

Address account_number(std::uint32_t number) {
  Address out;
  for (int i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

}  // namespace

TEST_CASE("turns: a payment that needs more than is there is a debt, which those behind it wait for") {
  TurnLimit limit(kRate);
  const Address first = account_number(1), second = account_number(2);
  CHECK(limit.take(first, kStart, kRate.burst - 1) == 0s);
  CHECK(limit.take(first, kStart, 64) == 0s);
  CHECK(limit.take(second, kStart, 1) == 64 * kToken);
  CHECK(limit.take(second, kStart + 64 * kToken - 1ns, 1) == 1ns);
  CHECK(limit.take(second, kStart + 64 * kToken, 1) == 0s);
  CHECK(limit.turns() == 0);
}

TEST_CASE("turns: one that waits has its turn, however often and with whatever others come meanwhile") {
  TurnLimit limit(kRate);
  CHECK(limit.take(account_number(0), kStart, kRate.burst) == 0s);
  const Address large = account_number(1);
  Instant now = kStart;
  CHECK(limit.take(large, now, 64) == kToken);
  // Others take each token as soon as it is there, and come oftener.
  std::uint32_t stranger = 2, paid = 0, large_paid = 0;
  for (; now < kStart + 60s; now = now + 1ms) {
    if (limit.take(account_number(stranger), now, 1) == 0s) ++stranger, ++paid;
    if ((now - kStart) % Duration(10s) == 0s && limit.take(large, now, 64) == 0s) ++large_paid;
  }
  CHECK(large_paid == 3);  // of six times that it came: each second one finds its turn
  CHECK(paid + 64 * large_paid <= 60 * kRate.per_second + 64);
  CHECK(paid > 50 * kRate.per_second);
}

TEST_CASE("turns: one that does not come has lost its turn in the end, and places for turns are limited") {
  TurnLimit limit(kRate);
  CHECK(limit.take(account_number(0), kStart, kRate.burst) == 0s);
  for (std::uint32_t i = 1; i <= TurnLimit::kTurnsMax; ++i)
    CHECK(limit.take(account_number(i), kStart, 1) == i * kToken);
  CHECK(limit.take(account_number(0), kStart, 1) == TurnLimit::kFull);
  CHECK(limit.take(account_number(1), kStart + kToken + TurnLimit::kKept - 1ns, 1) == 0s);
  const Instant later = kStart + 2 * TurnLimit::kTurnsMax * kToken + TurnLimit::kKept;
  CHECK(limit.take(account_number(2), later, kRate.burst + 64) == 0s);
  for (const std::uint32_t i : {20'001, 20'002, 20'003}) CHECK(limit.take(account_number(i), later, 1) > 0s);
  CHECK(limit.turns() == 3);
}

TEST_CASE("turns: silence saves up no more than the burst") {
  TurnLimit limit(kRate);
  CHECK(limit.take(account_number(1), kStart + 24h, kRate.burst) == 0s);
  CHECK(limit.take(account_number(1), kStart + 24h, 1) == kToken);
}
