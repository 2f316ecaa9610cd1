#include "runtime/observe/logic/number.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::observe;

namespace {

std::uint64_t read(std::string_view typed, std::string_view field) {
  const auto number = read_number(typed, *find_field(field));
  REQUIRE(number.ok());
  return number.value();
}

std::size_t place(std::string_view typed, std::string_view field) {
  const auto number = read_number(typed, *find_field(field));
  REQUIRE(!number.ok());
  CHECK(!number.error().message.empty());
  return number.error().place;
}

}  // namespace

TEST_CASE("number: without a unit it is in that of the field, to a thousandth") {
  CHECK(read("0", "mailbox") == 0);
  CHECK(read("10", "mailbox") == 10'000);
  CHECK(read("0010.250", "perSecond") == 10'250);
  CHECK(read("0.5", "busy") == 500);
  CHECK(read("7", "oldestMs") == 7'000);
  CHECK(read("7", "p99Us") == 7'000);
}

TEST_CASE("number: a time may name its unit, a share a percentage; both are exact") {
  CHECK(read("10ms", "oldestMs") == 10'000);
  CHECK(read("1.5s", "oldestMs") == 1'500'000);
  CHECK(read("20us", "oldestMs") == 20);
  CHECK(read("2m", "oldestMs") == 120'000'000);
  CHECK(read("1h", "p99Us") == 3'600'000'000'000);
  CHECK(read("0.001us", "p99Us") == 1);
  CHECK(read("50%", "busy") == 500);
  CHECK(read("12.5%", "busy") == 125);
  CHECK(read("100%", "busy") == 1'000);
}

TEST_CASE("number: what is none is refused where it goes wrong") {
  CHECK(place("", "mailbox") == 0);
  CHECK(place("-1", "mailbox") == 0);
  CHECK(place(".5", "busy") == 0);
  CHECK(place("ten", "mailbox") == 0);
  CHECK(place("1.", "mailbox") == 2);
  CHECK(place("1.2345", "mailbox") == 5);
  CHECK(place("10x", "mailbox") == 2);
  CHECK(place("1 0", "mailbox") == 1);
}

TEST_CASE("number: a unit that the field does not have is refused") {
  CHECK(place("10ms", "mailbox") == 2);
  CHECK(place("10%", "handled") == 2);
  CHECK(place("10%", "oldestMs") == 2);
  CHECK(place("10ns", "p99Us") == 2);
  CHECK(place("10s", "busy") == 2);
}

TEST_CASE("number: the largest is taken, one more and what would be rounded are refused") {
  CHECK(read("1000000000000000", "mailbox") == kTypedMax * 1'000);
  place("1000000000000001", "mailbox");
  place("99999999999999999999999999999999999999", "mailbox");
  place("1000000000000000h", "p99Us");  // overflows with its unit alone
  CHECK(read("1000000000000000us", "oldestMs") == kTypedMax);
  place("1.5us", "oldestMs");
  place("0.05%", "busy");
  CHECK(read("1", "busy") == 1'000);
  place("1.001", "busy");
  place("50", "busy");
}
