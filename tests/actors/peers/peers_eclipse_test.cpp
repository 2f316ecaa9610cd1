// Strangers who dial this node, and what they cannot take from it.
#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

/// One of the many ids of an attacker, who holds 10.66.6.0/24.
LinkUp attacker(std::uint32_t number) {
  LinkUp out = inbound(10'000 + number);
  out.remote = *base::Endpoint::parse("10.66.6." + std::to_string(1 + number % 250) + ":5000");
  return out;
}
LinkUp dialled_attacker(std::uint32_t number) {
  LinkUp out = attacker(number);
  out.direction = Direction::outbound;
  return out;
}

}  // namespace

TEST_CASE("eclipse: sixteen links of one line do not keep a node from dialling the peers it knows") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 0; i < 16; ++i) node.befriend(attacker(i));
  node.hear(1, 20, 10'000);  // even if an attacker alone has named them
  for (int round = 0; round < 4; ++round) {
    for (std::uint32_t i = 1; i <= 20; ++i)
      if (node.state(i) == State::dialling) node.befriend(outbound(i));
    node.pass(kDialTimeout);
  }
  node.pass(2min);
  std::size_t own = 0;
  for (std::uint32_t i = 1; i <= 20; ++i) own += node.state(i) == State::healthy;
  CHECK(own == 8);
  CHECK(only<Dial>(node.pass(1h)).empty());

  SUBCASE("one of them ends, and another is dialled in its place") {
    for (std::uint32_t i = 1; i <= 20; ++i) {
      if (node.state(i) != State::healthy) continue;
      node.peers.unlinked(id_of(i), LinkEnd::lost, node.now, node.random);
      break;
    }
    CHECK(only<Dial>(node.pass(10s)).size() == 1);
  }
}

TEST_CASE("eclipse: a peer that was dialled before counts as dialled when it dials") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 1; i <= 16; ++i) {
    node.befriend(outbound(i));
    node.peers.unlinked(id_of(i), LinkEnd::lost, node.now, node.random);
    node.befriend(inbound(i));
  }
  CHECK(node.peers.links() == 16);
  node.hear(20, 40, 1);
  CHECK(only<Dial>(node.pass(1h)).empty());
}

TEST_CASE("eclipse: who was dialled once and comes back with all its ids is a crowd like any other") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 0; i < kLinksMax; ++i) {
    const LinkUp up = dialled_attacker(i);
    node.befriend(up);
    node.peers.unlinked(up.id, LinkEnd::hung_up, node.now, node.random);
  }
  for (std::uint32_t i = 0; i < kLinksMax; ++i) node.befriend(attacker(i));
  REQUIRE(node.peers.links() == kLinksMax);
  for (std::uint32_t i = 1; i <= 10; ++i) node.befriend(inbound(i));
  node.pass(1min);
  for (std::uint32_t i = 1; i <= 10; ++i) CHECK(node.state(i) != State::known);
}

TEST_CASE("eclipse: strangers that other domains were made to dial are a crowd, and do not pass for peers of choice") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 0; i < kLinksMax; ++i) {
    const LinkUp up = dialled_attacker(i);
    node.befriend(up);
  }
  REQUIRE(node.peers.links() == kLinksMax);
  SUBCASE("others find a place") {
    for (std::uint32_t i = 1; i <= 10; ++i) node.befriend(inbound(i));
    node.pass(1min);
    for (std::uint32_t i = 1; i <= 10; ++i) CHECK(node.state(i) != State::known);
  }
  SUBCASE("one more of them is a guest, and leaves unless it owes an answer") {
    bool owes = true;
    node.peers.ask_who_owes([&](const base::NodeId&) { return owes; });
    const LinkUp up = dialled_attacker(1'000);
    CHECK(only<Drop>(node.peers.linked(up, node.now, node.random)).empty());
    CHECK(only<Drop>(node.pass(1min)).empty());
    owes = false;
    const auto guest = only<Drop>(node.pass(1min));
    REQUIRE(guest.size() == 1);
    CHECK(guest[0].peer == up.id);
  }
}

TEST_CASE("eclipse: healthy strangers do not keep a node from its seeds") {
  Fixture node;
  for (std::uint32_t i = 0; i < 16; ++i) node.befriend(attacker(i));
  const auto first = only<Dial>(node.start({*Target::parse(endpoint_of(1).text())}));
  REQUIRE(first.size() == 1);
  node.peers.dial_failed(first[0].ticket, DialFailure::unreachable, node.now, node.random);
  CHECK(only<Dial>(node.pass(10s)).size() >= 1);
}

TEST_CASE("eclipse: a crowd of one address group makes room for others, but not for its own") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  for (std::uint32_t i = 0; i < kLinksMax - 1; ++i) node.befriend(attacker(i));
  REQUIRE(node.peers.links() == kLinksMax);
  const auto dropped = only<Drop>(node.befriend(inbound(2)));
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0].why == DropReason::too_many);
  CHECK(dropped[0].peer != id_of(2));
  CHECK(only<Drop>(node.pass(1min)).empty());
  CHECK(node.state(2) != State::known);
  CHECK(node.state(1) == State::healthy);

  CHECK(only<Drop>(node.peers.linked(attacker(1'000), node.now, node.random)).empty());
  const auto guest = only<Drop>(node.pass(1min));
  REQUIRE(guest.size() == 1);
  CHECK(guest[0].peer == attacker(1'000).id);
}

// They were dropped in the turn in which they came, for as long as one machine linked again and again.
TEST_CASE("eclipse: guests of one address group keep no other newcomer from a full node") {
  Fixture node;
  node.start();
  std::uint32_t next = 1;
  for (; node.peers.links() < kLinksMax; ++next) node.befriend(inbound(next));
  for (std::uint32_t i = 0; i < kGuestsMax; ++i) CHECK(only<Drop>(node.befriend(attacker(i))).empty());
  const auto dropped = only<Drop>(node.befriend(inbound(++next)));
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0].peer != id_of(next));
  CHECK(node.peers.links() == kLinksMax + kGuestsMax);
  const auto refused = only<Drop>(node.befriend(attacker(1'000)));
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].peer == attacker(1'000).id);
}

TEST_CASE("eclipse: guests of one address group keep no crowd of another from making room") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 0; i < 20; ++i) node.befriend(attacker(i));
  for (std::uint32_t i = 1; node.peers.links() < kLinksMax; ++i) node.befriend(inbound(i));
  const auto of_site = [](std::uint32_t i) {
    LinkUp out = attacker(2'000 + i);
    out.remote = *base::Endpoint::parse("203.0.113.7:" + std::to_string(4'000 + i));
    return out;
  };
  for (std::uint32_t i = 0; i < 2 * kGuestsMax; ++i) node.befriend(of_site(i));
  const auto dropped = only<Drop>(node.befriend(inbound(9'000)));
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0].peer != id_of(9'000));
  node.pass(1min);
  CHECK(node.state(9'000) != State::known);
}

TEST_CASE("eclipse: what a peer says of its own address is saved once a minute, however often it moves") {
  Fixture node;
  node.start();
  node.befriend(inbound(1));
  std::size_t saved = 0;
  base::Endpoint last;
  for (int i = 0; i < 3'000; ++i) {
    node.now = node.now + 100ms;
    last = endpoint_of(1);
    last.port = static_cast<std::uint16_t>(1'000 + i);
    Decisions all;
    node.take(all, node.peers.advertised(id_of(1), last, node.now, node.random), true);
    saved += only<SaveRow>(all).size();
  }
  CHECK(saved <= 8);  // five minutes
  CHECK(node.peers.book().find(id_of(1))->contact.endpoint == last);
  std::size_t later = 0;
  for (const auto& row : only<SaveRow>(node.pass(3min))) later += row.id == id_of(1);
  CHECK(later >= 1);
}
