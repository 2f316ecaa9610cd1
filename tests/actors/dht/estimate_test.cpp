// How long answers take.
#include "actors/dht/logic/estimate.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/contacts.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

TEST_CASE("round trip: the time-out follows RFC 6298, within our bounds") {
  RoundTrip estimate;
  CHECK_FALSE(estimate.known());
  CHECK(estimate.timeout() == kTimeoutFirst);
  estimate.note(100ms);
  CHECK(estimate.expected() == 100ms);
  CHECK(estimate.usual() == 150ms);
  CHECK(estimate.timeout() == 300ms);  // 2.2: R + 4 * R / 2
  estimate.note(180ms);
  CHECK(estimate.expected() == 110ms);                // 2.3: 7/8 * 100 + 1/8 * 180
  CHECK(estimate.timeout() == 110ms + 4 * 57'500us);  // 3/4 * 50 + 1/4 * 80

  SUBCASE("losses double it up to a limit, and an answer ends that") {
    for (int i = 0; i < 100; ++i) estimate.lost();
    CHECK(estimate.timeout() == (110ms + 4 * 57'500us) * 8);
    estimate.note(110ms);
    CHECK(estimate.timeout() < 340ms);
  }
  SUBCASE("it is never shorter or longer than the bounds") {
    for (int i = 0; i < 200; ++i) estimate.note(1us);
    CHECK(estimate.timeout() == kTimeoutMin);
    for (int i = 0; i < 200; ++i) estimate.note(60s);
    CHECK(estimate.timeout() == kTimeoutMax);
  }
  SUBCASE("an answer in no time is a time") {
    RoundTrip quick;
    quick.note(0ns);
    CHECK(quick.known());
  }
}

TEST_CASE("round trips: peers are remembered up to a limit, the one heard least lately is forgotten") {
  RoundTrips trips;
  CHECK_FALSE(trips.of(contact(0).id).has_value());
  trips.lost(contact(0).id);  // a stranger
  CHECK(trips.size() == 0);
  for (std::uint64_t i = 0; i < kEstimatesMax; ++i) trips.note(contact(i).id, 10ms);
  trips.note(contact(0).id, 20ms);
  CHECK(trips.size() == kEstimatesMax);
  trips.note(contact(999).id, 10ms);
  CHECK(trips.size() == kEstimatesMax);
  CHECK(trips.of(contact(0).id).has_value());
  CHECK_FALSE(trips.of(contact(1).id).has_value());
  CHECK(trips.of(contact(999).id)->expected() == 10ms);
}

TEST_CASE("round trips: one dead peer slows down the questions to itself alone") {
  RoundTrips trips;
  trips.note(contact(1).id, 100ms);
  trips.note(contact(2).id, 100ms);
  const auto before = trips.all().timeout();
  trips.lost(contact(1).id);
  CHECK(trips.all().timeout() == before);
  CHECK(trips.of(contact(1).id)->timeout() == 600ms);
  CHECK(trips.of(contact(2).id)->timeout() == 300ms);
}
