#include "actors/reputation/logic/event.hpp"

#include <doctest/doctest.h>

#include "tests/actors/reputation/events.hpp"

using namespace troupe;
using namespace troupe::reputation;

TEST_CASE("event: what was signed is read back, with and without evidence") {
  Event event = test_event(1'000, -3);
  for (int i = 0; i < 2; ++i) {
    const base::Bytes bytes = sign(event, test_key());
    CHECK(parse_event(bytes) == event);
    CHECK(is_signed(bytes, event));
    event.evidence = base::Digest{};
    event.evidence->bytes[31] = 1;
  }
}

TEST_CASE("event: a changed byte is another signature's, and a cut is no event") {
  const base::Bytes bytes = sign(test_event(1'000, -3), test_key());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    const auto event = parse_event(changed);
    CHECK_FALSE((event && is_signed(changed, *event)));
    CHECK_FALSE(parse_event(base::ByteView(bytes).first(i)));
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(parse_event(longer));
}

TEST_CASE("event: points are within 100, kinds are plain words") {
  CHECK(parse_event(sign(test_event(1, 100), test_key())));
  CHECK(parse_event(sign(test_event(1, -100), test_key())));
  CHECK_FALSE(parse_event(sign(test_event(1, 101), test_key())));
  CHECK_FALSE(parse_event(sign(test_event(1, -101), test_key())));
  for (const char* kind : {"", "A", "1a", "a-b", "a b"}) CHECK_FALSE(is_kind(kind));
  CHECK(is_kind(std::string(kKindBytesMax, 'a')));
  CHECK_FALSE(is_kind(std::string(kKindBytesMax + 1, 'a')));
}

TEST_CASE("rules: seven are fixed, others are set") {
  CHECK(fixed_delta("task_success") == 10);
  CHECK(fixed_delta("malicious_behavior") == -50);
  CHECK_FALSE(fixed_delta("late_delivery"));
  CHECK(own_rule("late_delivery=-3")->delta == -3);
  CHECK(own_rule("praise=+100")->delta == 100);
  for (const char* text : {"late_delivery", "late_delivery=", "late_delivery=101", "late_delivery=1.5", "=1", "A=1",
                           "task_success=1", "a=--1", "a=+-1"})
    CHECK_FALSE(own_rule(text));
}
