#include "actors/wallet/logic/amount.hpp"

#include <rapidcheck.h>

#include "tests/support.hpp"

using namespace troupe;
using wallet::Amount;

TEST_CASE("wallet: an amount is typed as digits alone, from 1 to 2^63 - 1") {
  CHECK(Amount::parse("1")->units() == 1);
  CHECK(Amount::parse("9223372036854775807")->units() == Amount::kMax);
  for (const char* wrong : {"", "0", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "1,000",
                            "9223372036854775808", "18446744073709551616", "99999999999999999999999", "one"})
    CHECK_MESSAGE(!Amount::parse(wrong), wrong);
}

TEST_CASE("wallet: sums, differences and shares that leave the range are nothing") {
  const Amount most = Amount::of(Amount::kMax), one = Amount::of(1);
  CHECK_FALSE(plus(most, one));
  CHECK(plus(most, Amount()) == most);
  CHECK_FALSE(minus(one, most));
  CHECK(minus(one, one) == Amount());
  CHECK(share(most, 1, 20)->units() == Amount::kMax / 20);
  CHECK(share(most, UINT64_MAX, UINT64_MAX) == most);
  CHECK_FALSE(share(most, 2, 1));
  CHECK_FALSE(Amount::from(Amount::kMax + 1));
}

TEST_CASE("wallet: an amount is what its text says, and a text is one amount's (property)") {
  rc::check([](std::uint64_t units) {
    const auto amount = Amount::from(units % (Amount::kMax + 1));
    if (amount->units() > 0) RC_ASSERT(Amount::parse(amount->text()) == amount);
  });
  rc::check([](const std::string& text) {
    if (const auto amount = Amount::parse(text)) RC_ASSERT(amount->text() == text);
  });
}
