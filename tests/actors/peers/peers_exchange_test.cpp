#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

/// Waits until `number`, the only linked peer, is asked for contacts.
void wait_for_question(Fixture& node, std::uint32_t number) {
  for (int i = 0; i < 10'000; ++i) {
    node.now = node.peers.wake_at();
    const Decisions decisions = node.peers.tick(node.now, node.random);
    for (const auto& ping : only<SendPing>(decisions)) node.peers.ponged(ping.peer, 1ms, node.now, node.random);
    if (!only<AskContacts>(decisions).empty()) {
      REQUIRE(only<AskContacts>(decisions)[0].peer == id_of(number));
      return;
    }
  }
  FAIL("never asked");
}

Decisions tell(Fixture& node, std::uint32_t number, const std::vector<Contact>& list) {
  wait_for_question(node, number);
  return node.peers.contacts(id_of(number), list, node.now, node.random);
}

}  // namespace

TEST_CASE("exchange: a new friend is asked at once, then ever less often, then once a period") {
  Policy policy;
  policy.healthy_min = 1;
  Fixture node(policy);
  node.start();
  node.peers.linked(outbound(1), node.now, node.random);
  const base::Instant begin = node.now;
  auto asks = only<AskContacts>(node.peers.ponged(id_of(1), 1ms, node.now, node.random));
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].due == begin + kExchangeTimeout);
  node.peers.contacts(id_of(1), {}, node.now, node.random);
  CHECK(only<AskContacts>(node.pass(40s)).size() == 3);  // 5, 15 and 35 s later
  const auto steady = only<AskContacts>(node.pass(12'000s)).size();
  CHECK(steady >= 95);
  CHECK(steady <= 115);
}

TEST_CASE("exchange: the next question waits for the end of the last one, however short the period") {
  Policy policy;
  policy.exchange_period = 1s;
  Fixture node(policy);
  node.start();
  node.befriend(outbound(1));
  wait_for_question(node, 1);
  const base::Instant asked_at = node.now;
  while (node.now < asked_at + kExchangeTimeout) {
    REQUIRE(node.peers.wake_at() > node.now);  // otherwise the node would spin until a peer answers
    node.now = node.peers.wake_at();
    const Decisions decisions = node.peers.tick(node.now, node.random);
    for (const auto& ping : only<SendPing>(decisions)) node.peers.ponged(ping.peer, 1ms, node.now, node.random);
    CHECK(only<AskContacts>(decisions).size() == (node.now < asked_at + kExchangeTimeout ? 0 : 1));
  }
}

TEST_CASE("exchange: what a friend tells is believed as far as it can be checked") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  Contact self = contact_of(kSelf);
  Contact local = contact_of(3);
  local.endpoint = *base::Endpoint::parse("127.0.0.1:22");
  tell(node, 1, {contact_of(2), self, local, contact_of(1)});
  CHECK(node.peers.book().size() == 2);
  CHECK(node.peers.book().find(id_of(2))->told_by == id_of(1));
  CHECK(node.peers.book().find(id_of(kSelf)) == nullptr);
  CHECK(node.peers.book().find(id_of(3)) == nullptr);  // the loopback address of another machine

  SUBCASE("loopback is believed of a peer on this machine") {
    LinkUp near = outbound(8);
    near.remote = *base::Endpoint::parse("127.0.0.1:4000");
    node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
    node.befriend(near);
    tell(node, 8, {local});
    CHECK(node.peers.book().find(id_of(3)) != nullptr);
  }
  SUBCASE("an answer that was not asked for, or comes after its time, changes nothing") {
    node.peers.contacts(id_of(1), {contact_of(5)}, node.now, node.random);
    node.peers.contacts(id_of(77), {contact_of(6)}, node.now, node.random);
    wait_for_question(node, 1);
    node.now = node.now + kExchangeTimeout;
    node.peers.contacts_failed(id_of(1), node.now, node.random);
    node.peers.contacts(id_of(1), {contact_of(7)}, node.now, node.random);
    CHECK(node.peers.book().size() == 2);
  }
}

TEST_CASE("exchange: a friend that lies is banned after a few lies, its link dropped, and not let in again") {
  Contact unproven = contact_of(2);
  unproven.nonce = kNoWork;
  Contact undialable = contact_of(2);
  undialable.endpoint.port = 0;
  struct Lie {
    const char* what;
    std::vector<Contact> contacts;
    bool banned;
  };
  const std::vector<Lie> lies{
      {"an id without its work", {unproven}, true},
      {"an address that cannot be dialled", {undialable}, false},  // small, and forgiven as fast
      {"more contacts than were asked for", std::vector<Contact>(21, contact_of(2)), true}};
  for (const auto& [what, contacts, banned] : lies) {
    CAPTURE(what);
    Policy policy;
    policy.exchange_period = 30s;  // in which fewer points are forgiven than a lie costs
    Fixture node(policy);
    node.start();
    node.befriend(outbound(1));
    std::vector<Drop> drops;
    int told = 0;
    for (; drops.empty() && told < 1000; ++told) {
      drops = only<Drop>(tell(node, 1, contacts));
      if (drops.empty() && told > 20) break;
    }
    CHECK(node.peers.book().find(id_of(2)) == nullptr);
    REQUIRE(drops.empty() != banned);
    if (!banned) continue;
    CHECK(drops[0].why == DropReason::banned);
    CHECK(node.state(1) == State::banned);
    CHECK_FALSE(node.peers.welcome(id_of(1), node.now));
  }
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  for (int i = 0; i < 4; ++i) {
    CHECK(node.peers.links() == 1);
    node.peers.misbehaved(id_of(1), Violation::malformed, node.now, node.random);
  }
  CHECK(node.peers.links() == 0);
  CHECK(only<Drop>(node.peers.linked(inbound(1), node.now, node.random)).size() == 1);
  CHECK(node.peers.links() == 0);
  node.pass(kBanMin);
  CHECK(node.peers.welcome(id_of(1), node.now));
}

TEST_CASE("exchange: violations are forgiven with time, and reconnecting does not wipe them") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  for (int i = 0; i < 100; ++i) {
    node.pass(10min);
    node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random);
    CHECK(node.peers.links() == 1);
  }
  node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
  node.befriend(outbound(1));
  CHECK(only<Drop>(node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random)).size() == 1);
}

TEST_CASE("exchange: the asker gets peers that work, at most twenty, in random order, and not itself") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 1; i <= 30; ++i) node.befriend(outbound(i));
  const auto given = node.peers.give(id_of(1), 255, node.now, node.random);
  CHECK(given.size() == kContactsMax);
  CHECK(std::count(given.begin(), given.end(), contact_of(1)) == 0);
  CHECK(given != node.peers.give(id_of(1), 255, node.now, node.random));
  CHECK(node.peers.give(id_of(1), 3, node.now, node.random).size() == 3);
  CHECK(node.peers.give(id_of(1), 0, node.now, node.random).empty());

  SUBCASE("hearsay is not passed on, nor what worked long ago, nor the banned, nor this machine's own addresses") {
    Fixture other;
    other.start();
    other.befriend(outbound(1));
    LinkUp near = outbound(2);
    near.remote = *base::Endpoint::parse("127.0.0.1:4000");
    other.befriend(near);
    other.befriend(outbound(3));
    other.hear(10, 5, 3);
    other.befriend(outbound(4));
    for (int i = 0; i < 4; ++i) other.peers.misbehaved(id_of(4), Violation::malformed, other.now, other.random);
    CHECK(other.peers.give(id_of(1), 20, other.now, other.random) == std::vector<Contact>{contact_of(3)});
    CHECK(other.peers.give(id_of(2), 20, other.now, other.random).size() == 2);
    other.peers.unlinked(id_of(3), LinkEnd::lost, other.now, other.random);
    CHECK(other.peers.give(id_of(1), 20, other.now, other.random).size() == 1);
    CHECK(other.peers.give(id_of(1), 20, other.now + kFresh, other.random).empty());
  }
}

TEST_CASE("exchange: which peers work is looked up once a second, and again once a new one has answered") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    node.befriend(inbound(i));
    node.peers.advertised(id_of(i), endpoint_of(i), node.now, node.random);
    CHECK(node.peers.give(id_of(9), 20, node.now, node.random).size() == i);
  }
  node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
  CHECK(node.peers.give(id_of(9), 20, node.now + 999ms, node.random).size() == 3);
  for (int i = 0; i < 2; ++i) node.peers.misbehaved(id_of(2), Violation::protocol, node.now, node.random);
  CHECK(node.peers.give(id_of(9), 20, node.now + 999ms, node.random).size() == 2);
  CHECK(node.peers.give(id_of(9), 20, node.now + 1s, node.random) == std::vector<Contact>{contact_of(3)});
}

TEST_CASE("exchange: who dialled us is passed on at the address that it says") {
  Fixture node;
  node.start();
  node.befriend(inbound(1));
  CHECK(node.peers.give(id_of(9), 20, node.now, node.random).empty());
  base::Endpoint any;
  any.port = 4000;
  node.peers.advertised(id_of(1), any, node.now, node.random);
  const auto given = node.peers.give(id_of(9), 20, node.now, node.random);
  REQUIRE(given.size() == 1);
  CHECK(given[0] == contact_of(1));

  SUBCASE("what cannot be dialled from here is not taken") {
    for (const char* text : {"127.0.0.1:4000", "224.0.0.1:4000", "0.0.0.0:0"}) {
      node.peers.advertised(id_of(1), *base::Endpoint::parse(text), node.now, node.random);
      CHECK(node.peers.book().find(id_of(1))->contact == contact_of(1));
    }
  }
  SUBCASE("0.0.0.0 means where the link comes from as well") {
    node.peers.advertised(id_of(1), *base::Endpoint::parse("0.0.0.0:4001"), node.now, node.random);
    CHECK(node.peers.book().find(id_of(1))->contact.endpoint.text() == "1.1.0.1:4001");
  }
  SUBCASE("where we dialled it ourselves we know better, and a stranger's word is nothing") {
    node.befriend(outbound(2));
    node.peers.advertised(id_of(2), endpoint_of(3), node.now, node.random);
    CHECK(node.peers.book().find(id_of(2))->contact == contact_of(2));
    node.peers.advertised(id_of(5), endpoint_of(5), node.now, node.random);
    CHECK(node.peers.book().find(id_of(5)) == nullptr);
  }
}
