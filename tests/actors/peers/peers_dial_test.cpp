#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

Target seed(std::uint32_t number) { return *Target::parse(endpoint_of(number).text()); }

}  // namespace

TEST_CASE("dials: a new node dials its seeds, two at a time") {
  Fixture node;
  const auto dials = only<Dial>(node.start({seed(1), seed(2), seed(3)}));
  REQUIRE(dials.size() == kSeedDialsMax);
  CHECK(dials[0].to == seed(1));
  CHECK(dials[0].due == node.now + kDialTimeout);
  const auto next =
      only<Dial>(node.peers.dial_failed(dials[0].ticket, DialFailure::unreachable, node.now, node.random));
  REQUIRE(next.size() == 1);
  CHECK(next[0].to == seed(3));
}

TEST_CASE("dials: a seed that does not answer is tried ever less often, and one that is this node never again") {
  Fixture node;
  auto dials = only<Dial>(node.start({seed(1)}));
  base::Duration gap_max{0};
  int tries = 0;
  const base::Instant begin = node.now;
  while (node.now < begin + 1h) {
    REQUIRE(dials.size() == 1);
    const base::Instant failed_at = node.now;
    dials = only<Dial>(node.peers.dial_failed(dials[0].ticket, DialFailure::unreachable, node.now, node.random));
    while (dials.empty()) {
      node.now = node.peers.wake_at();
      dials = only<Dial>(node.peers.tick(node.now, node.random));
    }
    gap_max = std::max(gap_max, node.now - failed_at);
    ++tries;
  }
  CHECK(gap_max <= 330s);
  CHECK(gap_max > 200s);
  CHECK(tries > 12);
  CHECK(tries < 30);

  node.peers.dial_failed(dials[0].ticket, DialFailure::ourselves, node.now, node.random);
  CHECK(only<Dial>(node.pass(2h)).empty());
}

TEST_CASE("dials: known peers are dialled up to the number of links wanted, four at a time") {
  Policy policy;
  policy.links_target = 6;
  policy.healthy_min = 1;
  Fixture node(policy);
  node.start();
  node.befriend(outbound(100));
  node.hear(1, 20, 100);
  std::size_t under_way = 0;
  for (std::uint32_t i = 1; i <= 20; ++i) under_way += node.state(i) == State::dialling ? 1 : 0;
  CHECK(under_way == kDialsMax);
  for (std::uint32_t i = 1; i <= 20; ++i) {
    if (node.state(i) == State::dialling) node.befriend(outbound(i));
  }
  CHECK(node.peers.links() == 5);
  node.pass(kDialTimeout);  // those dials end without a result
  for (std::uint32_t i = 1; i <= 20; ++i) {
    if (node.state(i) == State::dialling) node.befriend(outbound(i));
  }
  CHECK(node.peers.links() == 6);
  CHECK(only<Dial>(node.pass(1h)).empty());
}

TEST_CASE("dials: each failure doubles the wait of a known peer, and a lost link is dialled anew") {
  Policy policy;
  policy.healthy_min = 0;
  Fixture node(policy);
  node.start();
  node.befriend(outbound(1));
  auto dials = only<Dial>(node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random));
  CHECK(dials.empty());
  base::Duration wait = kRetryMin;
  for (int i = 0; i < 14; ++i) {
    const base::Instant since = node.now;
    while (dials.empty()) {
      node.now = node.peers.wake_at();
      dials = only<Dial>(node.peers.tick(node.now, node.random));
    }
    CHECK(dials[0].to.id == id_of(1));
    CHECK(node.now - since >= wait * 9 / 10);
    CHECK(node.now - since <= wait * 11 / 10);
    if (i > 0) wait = std::min<base::Duration>(wait * 2, kRetryMax);
    dials = only<Dial>(node.peers.dial_failed(dials[0].ticket, DialFailure::unreachable, node.now, node.random));
    REQUIRE(dials.empty());
    CHECK(node.state(1) == State::known);
  }
}

TEST_CASE("dials: too few healthy links make a node try everything again within the period") {
  Fixture node;
  node.start({seed(50)});
  node.pass(1h);
  node.befriend(outbound(1));
  node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
  const Decisions decisions = node.pass(330s + 20s);
  bool seed_dialled = false, peer_dialled = false;
  for (const auto& dial : only<Dial>(decisions)) {
    seed_dialled |= dial.to == seed(50);
    peer_dialled |= dial.to.id == id_of(1);
  }
  CHECK(seed_dialled);
  CHECK(peer_dialled);

  SUBCASE("three healthy links are enough: seeds are left alone") {
    for (std::uint32_t i = 1; i <= 3; ++i) node.befriend(outbound(i));
    node.pass(20s);
    for (const auto& dial : only<Dial>(node.pass(2h))) CHECK_FALSE(dial.to == seed(50));
  }
}

TEST_CASE("dials: a crowded network is passed over for one without a link") {
  int elsewhere = 0;
  for (std::uint64_t round = 0; round < 50; ++round) {
    Policy policy;
    policy.links_target = 6;
    policy.healthy_min = 0;
    Fixture node(policy);
    node.random = base::Random(round);
    node.start();
    const auto near = [](std::uint32_t number) {
      LinkUp up = outbound(number);
      up.remote = *base::Endpoint::parse("10.9.0.1:4000");
      up.remote.address[15] = static_cast<std::uint8_t>(number);
      return up;
    };
    for (std::uint32_t i = 1; i <= 5; ++i) node.befriend(near(i));
    Contact crowded = contact_of(100), lonely = contact_of(101);
    crowded.endpoint = near(100).remote;
    Decisions decisions;
    while (only<AskContacts>(decisions).empty()) {
      node.now = node.peers.wake_at();
      decisions = node.peers.tick(node.now, node.random);
      for (const auto& ping : only<SendPing>(decisions)) node.peers.ponged(ping.peer, 1ms, node.now, node.random);
    }
    const auto asked = only<AskContacts>(decisions)[0].peer;
    const auto dials = only<Dial>(node.peers.contacts(asked, {crowded, lonely}, node.now, node.random));
    REQUIRE(dials.size() == 1);
    if (dials[0].to.id == id_of(101)) ++elsewhere;
  }
  CHECK(elsewhere == 50);
}

TEST_CASE("dials: a person's wish is dialled at once, whatever the number of links") {
  Policy policy;
  policy.links_target = 1;
  Fixture node(policy);
  node.start();
  node.befriend(outbound(1));
  const auto wish = node.peers.connect(seed(7), node.now, node.random);
  REQUIRE(wish.ok());
  const auto dials = only<Dial>(wish.value().decisions);
  REQUIRE(dials.size() == 1);
  CHECK(dials[0].ticket == wish.value().ticket);

  CHECK(node.peers.connect({id_of(1), {"host", 1}}, node.now, node.random).error() == CommandError::linked);
  CHECK(node.peers.connect({id_of(kSelf), {"host", 1}}, node.now, node.random).error() == CommandError::ourselves);
  for (std::size_t i = 1; i < kTargetsMax; ++i) CHECK(node.peers.connect(seed(7), node.now, node.random).ok());
  CHECK(node.peers.connect(seed(7), node.now, node.random).error() == CommandError::busy);
  node.pass(kDialTimeout);
  CHECK(node.peers.connect(seed(7), node.now, node.random).ok());
}

TEST_CASE("dials: a failure counts against the address that failed, not against another one of that peer") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
  const auto typo = node.peers.connect({id_of(1), {"elsewhere", 1}}, node.now, node.random);
  REQUIRE(typo.ok());
  node.peers.dial_failed(typo.value().ticket, DialFailure::unreachable, node.now, node.random);
  CHECK(node.peers.book().find(id_of(1))->failures == 0);

  const auto right =
      node.peers.connect({id_of(1), *base::HostPort::parse(endpoint_of(1).text())}, node.now, node.random);
  REQUIRE(right.ok());
  node.peers.dial_failed(right.value().ticket, DialFailure::unreachable, node.now, node.random);
  CHECK(node.peers.book().find(id_of(1))->failures == 1);
}

TEST_CASE("dials: a node with all its links learns from dials of others that a peer has moved") {
  Policy policy;
  policy.links_target = 1;
  Fixture node(policy);
  node.start();
  node.befriend(outbound(1));
  node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
  node.befriend(outbound(2));
  Contact moved = contact_of(1);
  moved.endpoint = endpoint_of(77);
  const auto fail_dial = [&](DialFailure why) {
    node.peers.not_there(contact_of(1), why, node.now, node.random);
    return node.peers.book().find(id_of(1))->failures;
  };
  const auto hear = [&] {
    Decisions decisions;
    while (only<AskContacts>(decisions).empty()) {
      node.now = node.peers.wake_at();
      decisions = node.peers.tick(node.now, node.random);
      for (const auto& ping : only<SendPing>(decisions)) node.peers.ponged(ping.peer, 1ms, node.now, node.random);
    }
    node.peers.contacts(id_of(2), {moved}, node.now, node.random);
    return node.peers.whereabouts(id_of(1), node.now).value();
  };
  node.pass(kSettled);
  CHECK(hear() == contact_of(1));

  SUBCASE("at once if another node answered") {
    fail_dial(DialFailure::wrong_identity);
    CHECK(hear() == moved);
  }
  SUBCASE("at once where this node itself answered") {
    fail_dial(DialFailure::ourselves);
    CHECK(hear() == moved);
  }
  SUBCASE("later if no node answered: several failures within a wait count once") {
    CHECK(fail_dial(DialFailure::unreachable) == 1);
    for (int i = 0; i < 10; ++i) CHECK(fail_dial(DialFailure::unreachable) == 1);
    CHECK(hear() == contact_of(1));
    node.pass(1min);
    CHECK(fail_dial(DialFailure::unreachable) == 2);
    node.pass(1min);
    CHECK(fail_dial(DialFailure::unreachable) == 3);
    CHECK(hear() == moved);
    CHECK(node.peers.book().find(id_of(1))->failures == 0);
    CHECK(fail_dial(DialFailure::wrong_identity) == 0);  // of the address that it had before
  }
  SUBCASE("but not while it is linked, and not for an unknown peer") {
    node.befriend(inbound(1));
    CHECK(fail_dial(DialFailure::wrong_identity) == 0);
    node.peers.not_there(contact_of(5), DialFailure::wrong_identity, node.now, node.random);
    CHECK(node.peers.book().find(id_of(5)) == nullptr);
    Contact idle = contact_of(1);
    idle.nonce = kNoWork;
    node.peers.not_there(idle, DialFailure::wrong_identity, node.now, node.random);
    CHECK(node.peers.book().find(id_of(1))->failures == 0);
  }
}
