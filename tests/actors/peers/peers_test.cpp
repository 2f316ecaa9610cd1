#include <map>

#include "runtime/base/ensure.hpp"
#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("peers: what was known before a restart is dialled after it, without any seed") {
  std::map<base::NodeId, base::Bytes> disk;
  {
    Fixture node;
    node.start();
    for (std::uint32_t i = 1; i <= 5; ++i) {
      for (const auto& save : only<SaveRow>(node.befriend(outbound(i)))) {
        disk[save.id] = *node.peers.row(save.id, {node.now, base::WallTime(1'700'000'000s)});
      }
    }
  }
  REQUIRE(disk.size() == 5);
  disk[id_of(6)] = {1, 2, 3};
  disk[id_of(7)] = disk[id_of(1)];
  Fixture node;
  node.now = base::Instant(5s);
  std::size_t refused = 0;
  for (const auto& [id, row] : disk) {
    if (!node.peers.load(id, row, {node.now, base::WallTime(1'700'003'600s)}).ok()) ++refused;
  }
  CHECK(refused == 2);
  CHECK(only<Dial>(node.start()).size() == kDialsMax);
  CHECK(node.peers.book().find(id_of(1))->proven());
  CHECK_FALSE(node.peers.row(id_of(7), {node.now, {}}).has_value());
}

TEST_CASE("peers: a peer that a person drops stays away for a while, whichever side dials") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  const auto dropped = node.peers.drop(id_of(1), node.now, node.random);
  REQUIRE(dropped.ok());
  CHECK(only<Drop>(dropped.value()).size() == 1);
  CHECK(node.peers.drop(id_of(1), node.now, node.random).error() == CommandError::not_linked);
  CHECK(node.state(1) == State::known);
  CHECK(only<Dial>(node.pass(kHoldOff - 1s)).empty());
  CHECK(only<Drop>(node.peers.linked(inbound(1), node.now, node.random))[0].why == DropReason::by_command);

  SUBCASE("then it is dialled again") { CHECK(only<Dial>(node.pass(1s)).size() == 1); }
  SUBCASE("or as soon as a person wants it") {
    REQUIRE(node.peers.connect({id_of(1), {"10.0.0.1", 4000}}, node.now, node.random).ok());
    CHECK(only<Drop>(node.peers.linked(outbound(1), node.now, node.random)).empty());
    CHECK(node.peers.links() == 1);
  }
}

TEST_CASE("peers: a link told twice is one link, and nothing to write down") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  CHECK(node.peers.linked(outbound(1), node.now, node.random).empty());
  CHECK(node.peers.links() == 1);
  CHECK(only<SaveRow>(node.peers.linked(inbound(1), node.now, node.random)).size() == 1);  // another one took its place
}

TEST_CASE("peers: whereabouts() gives only addresses of welcome peers that can be dialled") {
  Fixture node;
  node.start();
  CHECK(node.peers.whereabouts(id_of(1), node.now).error() == Nowhere::unknown);
  node.befriend(inbound(1));
  CHECK(node.peers.whereabouts(id_of(1), node.now).error() == Nowhere::unknown);
  node.befriend(outbound(2));
  CHECK(node.peers.whereabouts(id_of(2), node.now).value() == contact_of(2));
  REQUIRE(node.peers.drop(id_of(2), node.now, node.random).ok());
  CHECK(node.peers.whereabouts(id_of(2), node.now).error() == Nowhere::unwelcome);
  CHECK(node.peers.whereabouts(id_of(2), node.now + kHoldOff).value() == contact_of(2));
}

TEST_CASE("peers: who hung up on us soon is not dialled again for the messages of others, and waits double") {
  Fixture node;
  node.start();
  const auto waits_after = [&](LinkEnd how) {
    node.befriend(outbound(1));
    node.peers.unlinked(id_of(1), how, node.now, node.random);
    base::Duration wait{};
    while (!node.peers.whereabouts(id_of(1), node.now + wait).ok()) wait += 1s;
    return wait;
  };
  CHECK(waits_after(LinkEnd::lost) == 0s);
  const base::Duration first = waits_after(LinkEnd::hung_up);
  CHECK(first >= kRetryMin / 2);
  CHECK(waits_after(LinkEnd::hung_up) > first);
  node.befriend(outbound(1));
  node.pass(kSettled);
  node.peers.unlinked(id_of(1), LinkEnd::hung_up, node.now,
                      node.random);  // it has served for long: it goes, or restarts
  CHECK(node.peers.whereabouts(id_of(1), node.now).ok());
}

TEST_CASE("peers: a person's wish lifts a ban") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  for (int i = 0; i < 2; ++i) node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random);
  CHECK(node.state(1) == State::banned);
  REQUIRE(node.peers.connect({id_of(1), {"10.0.0.1", 4000}}, node.now, node.random).ok());
  CHECK(node.state(1) == State::dialling);
}

TEST_CASE("peers: a peer that dials a crowded node may ask for contacts, and is then dropped") {
  Fixture node;
  node.start();
  for (std::uint32_t i = 1; i <= kLinksMax; ++i) node.befriend(inbound(i));
  node.peers.advertised(id_of(1), endpoint_of(1), node.now, node.random);
  CHECK(only<Drop>(node.befriend(inbound(9999))).empty());
  CHECK(node.peers.links() == kLinksMax + 1);
  CHECK(node.peers.give(id_of(9999), kContactsMax, node.now, node.random).size() == 1);
  CHECK(only<Drop>(node.befriend(inbound(9999))).empty());  // the same link, told again

  SUBCASE("when its time is up") {
    CHECK(only<Drop>(node.pass(kGuestTime - 1ns)).empty());
    const auto drops = only<Drop>(node.pass(1ns));
    REQUIRE(drops.size() == 1);
    CHECK(drops[0].peer == id_of(9999));
    CHECK(drops[0].why == DropReason::too_many);
    CHECK(node.peers.links() == kLinksMax);
  }
  SUBCASE("unless a place comes free before") {
    node.peers.unlinked(id_of(7), LinkEnd::lost, node.now, node.random);
    CHECK(only<Drop>(node.pass(kGuestTime)).empty());
    CHECK(node.peers.links() == kLinksMax);
  }
  SUBCASE("or we wanted a link to it ourselves") {
    node.befriend(outbound(9999));
    CHECK(only<Drop>(node.pass(kGuestTime)).empty());
  }
  SUBCASE("and one guest too many goes at once") {
    for (std::uint32_t i = 1; i < kGuestsMax; ++i) CHECK(only<Drop>(node.befriend(inbound(5000 + i))).empty());
    const auto drops = only<Drop>(node.befriend(inbound(6000)));
    REQUIRE(drops.size() == 1);
    CHECK(drops[0].peer == id_of(6000));
    CHECK(node.peers.links() == kLinksMax + kGuestsMax);
    CHECK(only<Drop>(node.pass(kGuestTime)).size() == kGuestsMax);
  }
}

TEST_CASE("peers: a peer that ends our links as soon as they are up is dialled less and less often") {
  Fixture node;
  node.start();
  const auto wait_after = [&](base::Duration lasted) {
    node.befriend(outbound(1));
    node.pass(lasted);
    node.peers.unlinked(id_of(1), LinkEnd::lost, node.now, node.random);
    const base::Instant from = node.now;
    while (true) {
      node.now = node.peers.wake_at();
      const auto dials = only<Dial>(node.peers.tick(node.now, node.random));
      if (dials.empty()) continue;
      node.peers.dialled(dials[0].ticket, id_of(1), node.now, node.random);
      return node.now - from;
    }
  };
  const auto about = [](base::Duration wait) { return wait + wait / 10; };
  CHECK(wait_after(1s) <= about(kRetryMin));
  CHECK(wait_after(1s) >= 2 * kRetryMin - kRetryMin / 5);
  CHECK(wait_after(1s) >= 4 * kRetryMin - kRetryMin / 2);
  for (int i = 0; i < 20; ++i) CHECK(wait_after(1s) <= about(kSettled));
  CHECK(wait_after(kSettled) <= about(kRetryMin));
  CHECK(wait_after(1s) <= about(kRetryMin));
}

TEST_CASE("peers: a peer that ended our link at once ranks below untried peers") {
  Fixture node({.links_target = 2});
  node.start();
  node.befriend(inbound(1));
  node.befriend(outbound(3));
  node.hear(10, 5, 1);
  for (const bool brief : {false, true}) {
    CAPTURE(brief);
    node.befriend(outbound(2));
    node.pass(brief ? 1s : kSettled);
    node.peers.unlinked(id_of(2), LinkEnd::lost, node.now, node.random);
    node.pass(2 * kRetryMin);  // it might be dialled again
    const auto dials = only<Dial>(node.peers.drop(id_of(3), node.now, node.random).value());
    REQUIRE(dials.size() == 1);
    CHECK((dials[0].to.id == id_of(2)) == !brief);
    REQUIRE(node.peers.connect({id_of(3), {"10.0.0.3", 4000}}, node.now, node.random).ok());
    node.befriend(outbound(3));
    node.pass(kDialTimeout);
  }
}

TEST_CASE("peers: our own id is never a peer, and a policy that cannot work is not taken") {
  Fixture node;
  node.start({{id_of(kSelf), {"host", 1}}});
  CHECK(node.peers.wake_at() > node.now + 5s);
  CHECK(only<Drop>(node.peers.linked(outbound(kSelf), node.now, node.random)).size() == 1);
  CHECK(node.peers.links() == 0);
  Policy policy;
  policy.health_period = 0s;
  CHECK_THROWS_AS(Fixture{policy}, base::InvariantBroken);
  policy = {};
  policy.links_target = 0;
  CHECK_THROWS_AS(Fixture{policy}, base::InvariantBroken);
}

TEST_CASE("peers: linked and inbound peers are listed once, with the address that can be dialled") {
  Fixture node;
  node.start();
  node.befriend(inbound(2));
  node.befriend(outbound(1));
  const auto lines = node.peers.view(node.now);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].id == id_of(1));
  CHECK(lines[0].endpoint == endpoint_of(1));
  CHECK(lines[1].endpoint.port == 55'555);
  CHECK(node.peers.reachable(node.now).size() == 2);
  node.peers.unlinked(id_of(2), LinkEnd::lost, node.now, node.random);
  CHECK(node.peers.reachable(node.now).size() == 1);
  CHECK_FALSE(node.peers.view(node.now)[1].direction.has_value());
}

TEST_CASE("peers: any order of events keeps the limits, wakes later than now, and replays from its seed") {
  const auto run = [](std::uint64_t seed) {
    Policy policy;
    policy.known_max = 300;
    policy.links_target = 5;
    Fixture node(policy);
    node.random = base::Random(seed);
    base::Random events(seed + 1000);
    std::vector<std::size_t> trace;
    std::map<std::uint64_t, Dial> dials;
    std::map<base::NodeId, bool> rows;
    const auto note = [&](const Decisions& decisions) {
      trace.push_back(decisions.size());
      for (const auto& dial : only<Dial>(decisions)) dials.emplace(dial.ticket, dial);
      for (const auto& save : only<SaveRow>(decisions)) rows[save.id] = true;
      for (const auto& gone : only<EraseRow>(decisions)) {
        rows.erase(gone.id);
        REQUIRE(node.peers.book().find(gone.id) == nullptr);
      }
      REQUIRE(node.peers.wake_at() > node.now);
      REQUIRE(node.peers.book().size() <= 300);
      REQUIRE(rows.size() == node.peers.book().size());
    };
    note(node.start({*Target::parse("10.1.1.1:4000"), {id_of(3), {"host", 1}}}));
    for (int step = 0; step < 1'500; ++step) {
      const auto number = static_cast<std::uint32_t>(events.below(events.chance(1, 2) ? 20 : 2000));
      const auto id = id_of(number);
      switch (events.below(12)) {
        case 0:
        case 1:
          node.now = std::max(node.now, node.peers.wake_at());
          note(node.peers.tick(node.now, node.random));
          break;
        case 2: node.now = node.now + base::Duration(static_cast<std::int64_t>(events.below(100'000'000'000))); break;
        case 3:
          note(node.peers.linked(events.chance(1, 2) ? inbound(number) : outbound(number), node.now, node.random));
          break;
        case 4: note(node.peers.unlinked(id, LinkEnd::lost, node.now, node.random)); break;
        case 5: note(node.peers.ponged(id, 5ms, node.now, node.random)); break;
        case 6: note(node.peers.ping_failed(id, node.now, node.random)); break;
        case 7: {
          std::vector<Contact> list;
          for (std::uint64_t i = events.below(22); i > 0; --i) {
            list.push_back(contact_of(static_cast<std::uint32_t>(events.below(2000))));
            if (events.chance(1, 50)) list.back().nonce = kNoWork;
          }
          for (const auto& line : node.peers.view(node.now)) {
            if (line.direction) note(node.peers.contacts(line.id, list, node.now, node.random));
          }
          break;
        }
        case 8: note(node.peers.misbehaved(id, Violation::protocol, node.now, node.random)); break;
        case 9: note(node.peers.advertised(id, endpoint_of(number + 1), node.now, node.random)); break;
        case 10: {
          if (dials.empty()) break;
          const Dial dial = dials.begin()->second;
          dials.erase(dials.begin());
          if (events.chance(1, 2))
            note(node.peers.dial_failed(dial.ticket, DialFailure::refused, node.now, node.random));
          else note(node.peers.dialled(dial.ticket, dial.to.id.value_or(id), node.now, node.random));
          break;
        }
        default: {
          if (events.chance(1, 2)) {
            if (auto done = node.peers.drop(id, node.now, node.random); done.ok()) note(done.value());
          } else if (auto wish = node.peers.connect({id, {"host", 1}}, node.now, node.random); wish.ok()) {
            note(wish.value().decisions);
          }
        }
      }
    }
    return trace;
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto first = run(seed);
    if (seed < 5) CHECK(first == run(seed));
  }
}

TEST_CASE("peers: a node that is not in the book is banned too, listed as banned, and not learnt meanwhile") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  std::vector<Ban> bans;
  for (int i = 0; i < 4; ++i)
    for (const Ban& ban : only<Ban>(node.peers.misbehaved(id_of(7), Violation::malformed, node.now, node.random)))
      bans.push_back(ban);
  REQUIRE(bans.size() == 1);
  CHECK(bans[0].peer == id_of(7));
  CHECK(bans[0].until == node.now + kBanMin);
  CHECK(bans[0].last == Violation::malformed);
  CHECK(node.state(7) == State::banned);
  CHECK_FALSE(node.peers.welcome(id_of(7), node.now));
  node.hear(7, 2, 1);
  CHECK(node.peers.book().find(id_of(7)) == nullptr);
  CHECK(node.peers.book().find(id_of(8)) != nullptr);
  // What it does meanwhile does not extend the ban.
  for (int i = 0; i < 10; ++i)
    CHECK(only<Ban>(node.peers.misbehaved(id_of(7), Violation::malformed, node.now, node.random)).empty());
  CHECK(only<Drop>(node.peers.linked(inbound(7), node.now, node.random)).size() == 1);
  node.pass(bans[0].until - node.now);
  CHECK(node.peers.welcome(id_of(7), node.now));
  CHECK(only<Drop>(node.peers.linked(inbound(7), node.now, node.random)).empty());
}

TEST_CASE("peers: our own id commits no violation") {
  Fixture node;
  node.start();
  for (int i = 0; i < 10; ++i)
    CHECK(only<Ban>(node.peers.misbehaved(id_of(kSelf), Violation::protocol, node.now, node.random)).empty());
}

TEST_CASE("peers: an unban ends what a ban, points or a drop have brought about") {
  Fixture node;
  node.start();
  node.befriend(outbound(1));
  const auto unban = [&](std::uint32_t number) { return node.peers.unban(id_of(number), node.now, node.random); };
  CHECK_FALSE(unban(1).lifted);
  SUBCASE("a ban") {
    while (node.peers.welcome(id_of(1), node.now))
      node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random);
    const auto unbanned = unban(1);
    CHECK(unbanned.lifted);
    CHECK(only<Unban>(unbanned.decisions)[0].peer == id_of(1));
  }
  SUBCASE("points") {
    node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random);
    CHECK(unban(1).lifted);
    CHECK(only<Ban>(node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random)).empty());
    CHECK(unban(1).lifted);
  }
  SUBCASE("a drop") {
    REQUIRE(node.peers.drop(id_of(1), node.now, node.random).ok());
    CHECK(unban(1).lifted);
  }
  CHECK(node.peers.welcome(id_of(1), node.now));
  CHECK_FALSE(unban(1).lifted);
}

TEST_CASE("peers: bans that were read back are told again at the start") {
  std::optional<base::Bytes> row;
  {
    Fixture node;
    node.start();
    node.befriend(outbound(1));
    while (node.peers.welcome(id_of(1), node.now))
      node.peers.misbehaved(id_of(1), Violation::protocol, node.now, node.random);
    row = node.peers.row(id_of(1), {node.now, base::WallTime(1'700'000'000s)});
  }
  Fixture node;
  REQUIRE(node.peers.load(id_of(1), *row, {node.now, base::WallTime(1'700'000'060s)}).ok());
  const auto bans = only<Ban>(node.start());
  REQUIRE(bans.size() == 1);
  CHECK(bans[0].peer == id_of(1));
  CHECK(bans[0].until == node.now + kBanMin - 60s);
  CHECK_FALSE(bans[0].last);
}
