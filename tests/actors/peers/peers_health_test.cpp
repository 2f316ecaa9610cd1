#include <map>
#include <set>

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("health: a new link is pinged at once and healthy once it answers") {
  Fixture node;
  node.start();
  const auto pings = only<SendPing>(node.peers.linked(inbound(1), node.now, node.random));
  REQUIRE(pings.size() == 1);
  CHECK(pings[0].due == node.now + kPingTimeout);
  CHECK(node.state(1) == State::linked);
  CHECK(node.peers.healthy() == 0);
  node.peers.ponged(id_of(1), 30ms, node.now, node.random);
  CHECK(node.state(1) == State::healthy);
  CHECK(node.peers.view(node.now)[0].rtt == 30ms);
  CHECK(node.peers.view(node.now)[0].direction == Direction::inbound);
}

TEST_CASE("health: a link to a peer that hung up on the last one at once is pinged later") {
  Fixture node;
  node.start();
  node.peers.linked(outbound(1), node.now, node.random);
  node.peers.unlinked(id_of(1), LinkEnd::hung_up, node.now, node.random);
  CHECK(only<SendPing>(node.peers.linked(outbound(1), node.now, node.random)).empty());
  CHECK(only<SendPing>(node.pass(0s, false)).empty());
  CHECK(node.state(1) == State::linked);
  CHECK(only<SendPing>(node.pass(1s)).size() == 1);  // well within the time of a guest
  CHECK(node.state(1) == State::healthy);
}

TEST_CASE("health: a link that misses a ping is unhealthy, recovers by an answer, and is dropped after three") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  node.pass(66s, false);
  REQUIRE(only<SendPing>(node.pass(0s)).empty());
  while (node.state(1) == State::healthy) node.pass(1s, false);
  CHECK(node.state(1) == State::unhealthy);
  CHECK(node.peers.healthy() == 0);

  SUBCASE("the next answer makes it healthy") {
    CHECK(only<SendPing>(node.pass(kPingAgain)).size() == 1);
    CHECK(node.state(1) == State::healthy);
  }
  SUBCASE("silence ends it") {
    const auto drops = only<Drop>(node.pass(2 * (kPingAgain + kPingTimeout), false));
    REQUIRE(drops.size() == 1);
    CHECK(drops[0].why == DropReason::silent);
    CHECK(node.peers.links() == 0);
    CHECK(node.peers.book().find(id_of(1))->failures == 1);
    CHECK(node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random).empty());  // the echo of that drop
  }
  SUBCASE("an answer that comes too late counts for nothing, and a failure told twice counts once") {
    node.peers.ponged(id_of(1), 9s, node.now, node.random);
    CHECK(node.state(1) == State::unhealthy);
    for (int i = 0; i < 10; ++i) node.peers.ping_failed(id_of(1), node.now, node.random);
    CHECK(node.peers.links() == 1);
  }
}

TEST_CASE("health: at most the wanted number of links is pinged in a period, and all in turn") {
  Policy policy;
  policy.links_target = 16;
  Fixture node(policy);
  node.start();
  for (std::uint32_t i = 1; i <= 50; ++i) node.befriend(inbound(i));
  CHECK(node.peers.healthy() == 16);
  std::set<base::NodeId> pinged;
  for (int period = 0; period < 5; ++period) {
    const auto pings = only<SendPing>(node.pass(54s));
    CHECK(pings.size() <= 16);
    for (const auto& ping : pings) pinged.insert(ping.peer);
    node.pass(12s);
  }
  CHECK(pinged.size() == 50);
  CHECK(node.peers.healthy() == 50);
}

TEST_CASE("health: however many new links come, half of the pings are for old ones, own links first") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 1; i <= 12; ++i) node.befriend(i <= 4 ? outbound(i) : inbound(i));
  node.pass(66s);
  std::map<base::NodeId, int> pinged;
  std::uint32_t next = 100;
  for (int period = 0; period < 6; ++period) {
    for (int i = 0; i < 20; ++i) node.befriend(inbound(next++));
    for (const auto& ping : only<SendPing>(node.pass(66s))) ++pinged[ping.peer];
  }
  for (std::uint32_t i = 1; i <= 4; ++i) CHECK(pinged[id_of(i)] >= 5);
  for (std::uint32_t i = 5; i <= 12; ++i) CHECK(pinged[id_of(i)] >= 1);
}

TEST_CASE("health: pings of one link come once a period, with jitter") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  const std::size_t pings = only<SendPing>(node.pass(6000s)).size();
  CHECK(pings >= 92);
  CHECK(pings <= 112);
}

TEST_CASE("health: as many are expected as answered lately, at most three, at least one after the first peer") {
  Fixture node;
  SUBCASE("the first node of a network is alone by rights") {
    node.start();
    CHECK(node.peers.expected(node.now) == 0);
    node.peers.linked(inbound(1), node.now, node.random);
    CHECK(node.peers.expected(node.now) == 0);  // until it answers it is not missed
    node.peers.ponged(id_of(1), 20ms, node.now, node.random);
    CHECK(node.peers.expected(node.now) == 1);
  }
  SUBCASE("a node with a seed misses one peer") {
    node.start({*Target::parse("127.0.0.1:1")});
    CHECK(node.peers.expected(node.now) == 1);
  }
  SUBCASE("who is to join itself alone does not") {
    const auto dials = only<Dial>(node.start({*Target::parse("127.0.0.1:1")}));
    REQUIRE(dials.size() == 1);
    CHECK(dials[0].seed);
    node.peers.dial_failed(dials[0].ticket, DialFailure::ourselves, node.now, node.random);
    CHECK(node.peers.expected(node.now) == 0);
  }
  SUBCASE("each that answered is missed for an hour, the last one for ever") {
    node.start();
    for (std::uint32_t i = 1; i <= 2; ++i) node.befriend(i == 1 ? inbound(i) : outbound(i));
    CHECK(node.peers.expected(node.now) == 2);
    for (std::uint32_t i = 1; i <= 2; ++i) node.peers.unlinked(id_of(i), LinkEnd::lost, node.now, node.random);
    CHECK(node.peers.expected(node.now) == 2);
    node.pass(kFresh - 1s);
    CHECK(node.peers.expected(node.now) == 2);
    node.pass(1s);
    CHECK(node.peers.expected(node.now) == 1);
    node.pass(5h);
    CHECK(node.peers.expected(node.now) == 1);
  }
  SUBCASE("a large network is expected to leave three") {
    node.start();
    for (std::uint32_t i = 1; i <= 5; ++i) node.befriend(outbound(i));
    CHECK(node.peers.expected(node.now) == 3);
    for (std::uint32_t i = 1; i <= 5; ++i) node.peers.unlinked(id_of(i), LinkEnd::hung_up, node.now, node.random);
    CHECK(node.peers.expected(node.now) == 3);
  }
  SUBCASE("a peer that a person dropped is not missed, but one peer is") {
    node.start();
    for (std::uint32_t i = 1; i <= 2; ++i) node.befriend(outbound(i));
    REQUIRE(node.peers.drop(id_of(1), node.now, node.random).ok());
    CHECK(node.peers.expected(node.now) == 1);
    REQUIRE(node.peers.drop(id_of(2), node.now, node.random).ok());
    CHECK(node.peers.expected(node.now) == 1);
  }
  SUBCASE("who is missing is named, until a person says that it is gone") {
    node.start();
    for (std::uint32_t i = 1; i <= 2; ++i) node.befriend(i == 1 ? inbound(i) : outbound(i));
    CHECK(node.peers.missing(node.now).empty());
    CHECK(node.peers.forget(id_of(1), node.now, node.random).error() == CommandError::still_linked);
    for (std::uint32_t i = 1; i <= 2; ++i) node.peers.unlinked(id_of(i), LinkEnd::lost, node.now, node.random);
    CHECK(node.peers.missing(node.now).size() == 2);
    REQUIRE(node.peers.forget(id_of(1), node.now, node.random).ok());
    CHECK(node.peers.missing(node.now) == std::vector{id_of(2)});
    CHECK(node.peers.forget(id_of(1), node.now, node.random).error() == CommandError::unknown);
    REQUIRE(node.peers.forget(id_of(2), node.now, node.random).ok());
    CHECK(node.peers.expected(node.now) == 0);  // as the first node of a network
    CHECK(node.peers.view(node.now).empty());
  }
  SUBCASE("a peer that worked before a restart is missed after it") {
    node.start();
    node.befriend(outbound(1));
    const auto row = node.peers.row(id_of(1), {node.now, base::WallTime(1'700'000'000s)});
    for (const auto later : {59min, 60min}) {
      Fixture next;
      REQUIRE(next.peers.load(id_of(1), *row, {next.now, base::WallTime(1'700'000'000s) + later}).ok());
      next.start();
      CHECK(next.peers.expected(next.now) == (later < 60min ? 1 : 0));
    }
  }
}
