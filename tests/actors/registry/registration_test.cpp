#include "actors/registry/logic/registration.hpp"

#include <doctest/doctest.h>

#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

TEST_CASE("registration: what a node has signed is read back") {
  const TestNode node(1);
  Registration said = node.registration();
  said.price = 7;
  const auto bytes = sign(said, node.identity->key());
  REQUIRE(bytes);
  const auto read = read_registration(*bytes, 0);
  REQUIRE(read.ok());
  CHECK(read.value() == said);
  CHECK(read.value().id() == node.id());
}

TEST_CASE("registration: each changed byte, and each cut, is refused") {
  const TestNode node(1);
  const base::Bytes bytes = node.signed_registration();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_registration(changed, 0).ok());
    CHECK_FALSE(read_registration(base::ByteView(bytes).first(i), 0).ok());
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(read_registration(longer, 0).ok());
}

TEST_CASE("registration: an id without the work of the network is refused") {
  const TestNode node(1);
  const auto read = read_registration(node.signed_registration(), 20);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error() == ReadError::lacks_work);
}

TEST_CASE("registration: each capability has a place in the DHT") {
  const TestNode node(1);
  CHECK(places_of(node.registration().capabilities).size() == 6);  // two runtimes
  CHECK(places_of({{"gpu", "a"}}) != places_of({{"gpu", "b"}}));
  CHECK(places_of({{"cpu", std::uint64_t{1}}}) == places_of({{"cpu", std::uint64_t{2}}}));
}

TEST_CASE("heartbeat: it is read back, and each changed byte is refused") {
  const TestNode node(2);
  const base::Bytes bytes = node.signed_beat();
  CHECK(bytes.size() == kHeartbeatBytes);
  REQUIRE(read_heartbeat(bytes, 0).ok());
  CHECK(read_heartbeat(bytes, 0).value() == node.beat());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_heartbeat(changed, 0).ok());
    CHECK_FALSE(read_heartbeat(base::ByteView(bytes).first(i), 0).ok());
  }
}

TEST_CASE("heartbeat: shares are thousandths") {
  const TestNode node(2);
  Heartbeat beat = node.beat();
  beat.memory = 1'001;
  CHECK_FALSE(read_checked_heartbeat(sign(beat, node.identity->key())));
  beat.memory = 1'000;
  CHECK(read_checked_heartbeat(sign(beat, node.identity->key())));
  beat.success = 1'001;
  CHECK_FALSE(read_checked_heartbeat(sign(beat, node.identity->key())));
  beat.success = Heartbeat::kNone;
  beat.reputation = 101;
  CHECK_FALSE(read_checked_heartbeat(sign(beat, node.identity->key())));
}
