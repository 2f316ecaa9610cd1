#include "actors/registry/logic/sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/base/random.hpp"
#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

base::NodeId random_id(base::Random& random) {
  base::NodeId out;
  for (std::uint8_t& byte : out.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return out;
}

std::vector<base::NodeId> nearest(std::vector<base::NodeId> all, const base::NodeId& to, std::size_t most) {
  std::ranges::sort(all, [&](const auto& a, const auto& b) { return base::distance(a, to) < base::distance(b, to); });
  all.resize(std::min(all.size(), most));
  return all;
}

Gathered::Said said(const base::Bytes& registration, const base::Bytes& beat, Status status = Status::healthy,
                    std::uint64_t heard_ms = 1'000) {
  return {registration, beat, status, heard_ms};
}

}  // namespace

TEST_CASE("sweep: regions follow each other, and each node is in one of them, with all of its watchers") {
  base::Random random(7);
  for (const std::size_t count : {1u, 5u, 19u, 20u, 21u, 100u, 1'000u}) {
    std::vector<base::NodeId> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(random_id(random));
    std::size_t seen = 0, regions = 0;
    for (std::optional<base::NodeId> at = base::NodeId{}; at; ++regions) {
      const auto near = nearest(all, *at, 20);
      const Region region = region_of(*at, near, 20);
      CHECK(region.contains(*at));
      for (const base::NodeId& id : all) {
        if (!region.contains(id)) continue;
        ++seen;
        CHECK(std::ranges::find(near, id) != near.end());
      }
      at = region.behind();
    }
    CHECK(seen == count);
    if (count < 20) CHECK(regions == 1);
    if (count == 1'000) CHECK(regions < 200);
  }
}

TEST_CASE("sweep: behind the last region there is none") {
  Region last{.prefix = {}, .bits = 3};
  last.prefix.bytes[0] = 0xe0;
  CHECK_FALSE(last.behind());
  Region first{.prefix = {}, .bits = 3};
  CHECK(first.behind()->bytes[0] == 0x20);
  CHECK_FALSE(Region{}.behind());
}

TEST_CASE("sweep: a node is as most of its five nearest watchers say") {
  const TestNode node(1);
  std::vector<TestNode> others;
  for (std::uint8_t i = 2; i < 12; ++i) others.emplace_back(i);
  std::vector<base::NodeId> asked;
  for (const TestNode& one : others) asked.push_back(one.id());
  asked = nearest(asked, node.id(), 10);
  Gathered it(Region{}, asked, 0);
  // The five nearest heard it, five others once did.
  for (std::size_t i = 0; i < asked.size(); ++i)
    CHECK(it.take(asked[i],
                  said(node.signed_registration(), node.signed_beat(), i < 3 ? Status::unhealthy : Status::offline,
                       1'000 * (i + 1)),
                  false));
  const auto found = it.end();
  REQUIRE(found.size() == 1);
  CHECK(found.begin()->second.status == Status::unhealthy);
  CHECK(found.begin()->second.votes == 5);
  CHECK(found.begin()->second.heard_ms == 1'000);
}

TEST_CASE("sweep: the five nearest are found among all that were asked, and this node counts as one of them") {
  base::Random random(7);
  for (const std::size_t count : {0u, 1u, 4u, 5u, 6u, 277u}) {
    const TestNode node(1), self(2);
    std::vector<base::NodeId> asked{node.id(), self.id()};
    for (std::size_t i = 0; i < count; ++i) asked.push_back(random_id(random));
    Gathered it(Region{}, asked, 0);
    std::erase(asked, node.id());
    const auto five = nearest(asked, node.id(), kWatchers);
    for (const base::NodeId& by : asked) {
      const bool near = std::ranges::find(five, by) != five.end();
      const auto said_by = near ? Status::unhealthy : Status::healthy;
      CHECK(it.take(by, said(node.signed_registration(), node.signed_beat(), said_by), by == self.id()));
    }
    const auto found = it.end().at(node.id());
    CHECK(found.status == Status::unhealthy);
    CHECK(found.votes == five.size());
    CHECK(found.here);
  }
}

TEST_CASE("sweep: watchers that lie do not make a node offline whose own heartbeat is fresh") {
  const TestNode node(1);
  std::vector<TestNode> others;
  for (std::uint8_t i = 2; i < 7; ++i) others.emplace_back(i);
  std::vector<base::NodeId> asked;
  for (const TestNode& one : others) asked.push_back(one.id());
  const auto status_at = [&](std::uint64_t unix_ms, std::uint64_t heard_ms = 10) {
    Gathered it(Region{}, asked, 0);
    for (const base::NodeId& by : asked) {
      const std::uint64_t heard = by == asked.back() ? heard_ms : 9'000;
      CHECK(it.take(by, said(node.signed_registration(), node.signed_beat(), Status::offline, heard), false));
    }
    return it.end({.unix_ms = unix_ms, .within_ms = 1'000}).begin()->second.status;
  };
  const std::uint64_t sent = read_checked_heartbeat(node.signed_beat())->unix_ms;
  CHECK(status_at(sent) == Status::healthy);
  CHECK(status_at(sent + 999) == Status::healthy);
  CHECK(status_at(sent + 1'000) == Status::offline);
  CHECK(status_at(sent - 300'000) == Status::healthy);
  CHECK(status_at(sent - 300'000, 1'000) == Status::offline);  // its clock was ahead, and it is gone
}

// Three ids of one site said so of every worker, and no task was placed.
TEST_CASE(
    "sweep: watchers that lie do not make a node unhealthy whose own heartbeat is fresh, and says that it is not") {
  const TestNode node(1), a(2), b(3), c(4);
  Gathered it(Region{}, {a.id(), b.id(), c.id()}, 0);
  for (const TestNode* by : {&a, &b, &c})
    CHECK(it.take(by->id(), said(node.signed_registration(), node.signed_beat(), Status::unhealthy, 10), false));
  const std::uint64_t sent = read_checked_heartbeat(node.signed_beat())->unix_ms;
  CHECK(it.end({.unix_ms = sent, .within_ms = 1'000}).begin()->second.status == Status::healthy);
}

// World `registry`, seed 49: this node's clock had gone back, and another watcher had just started.
TEST_CASE("sweep: what a watcher remembers from before its start is no sign that a node lives") {
  const TestNode node(1), a(2), started(3);
  const auto status = [&](bool unheard) {
    Gathered it(Region{}, {a.id(), started.id()}, 0);
    it.take(a.id(), said(node.signed_registration(), node.signed_beat(), Status::offline, 9'000), false);
    const auto registration = node.signed_registration(), beat = node.signed_beat();
    auto old = said(registration, beat, Status::offline, 10);
    old.unheard = unheard;
    it.take(started.id(), old, false);
    return it.end({.unix_ms = kBeginMs, .within_ms = 1'000}).begin()->second.status;
  };
  CHECK(status(false) == Status::healthy);
  CHECK(status(true) == Status::offline);
}

TEST_CASE("sweep: of two words of equal weight the better one holds") {
  const TestNode node(1), a(2), b(3);
  Gathered it(Region{}, {a.id(), b.id()}, 0);
  it.take(a.id(), said(node.signed_registration(), node.signed_beat(), Status::offline), false);
  it.take(b.id(), said(node.signed_registration(), node.signed_beat(), Status::healthy), false);
  CHECK(it.end().begin()->second.status == Status::healthy);
}

TEST_CASE("sweep: a node judges itself only where no other does") {
  const TestNode node(1), other(2);
  Gathered alone(Region{}, {node.id()}, 0);
  alone.take(node.id(), said(node.signed_registration(), node.signed_beat()), true);
  CHECK(alone.end().begin()->second.votes == 0);
  Gathered it(Region{}, {node.id(), other.id()}, 0);
  it.take(node.id(), said(node.signed_registration(), node.signed_beat()), false);
  it.take(other.id(), said(node.signed_registration(), node.signed_beat(), Status::offline), false);
  CHECK(it.end().begin()->second.status == Status::offline);
}

TEST_CASE("sweep: the newest of each counts, and one that has left the list is in none") {
  const TestNode node(1), a(2), b(3);
  Gathered it(Region{}, {a.id(), b.id()}, 0);
  it.take(a.id(), said(node.signed_registration(7), node.signed_beat(7)), false);
  it.take(b.id(), said(node.signed_registration(5), node.signed_beat(9)), false);
  const auto found = it.end().begin()->second;
  CHECK(found.registration->sequence == 7);
  CHECK(found.beat->number == 9);

  Registration gone = node.registration(8);
  gone.registered = false;
  Gathered left(Region{}, {a.id(), b.id()}, 0);
  left.take(a.id(), said(node.signed_registration(7), node.signed_beat(7)), false);
  left.take(b.id(), said(*sign(gone, node.identity->key()), node.signed_beat(7)), false);
  CHECK(left.end().empty());
}

TEST_CASE("sweep: a bad part spoils no other") {
  const TestNode node(1), liar(2), honest(3), victim(4);
  Gathered it(Region{}, {liar.id(), honest.id()}, 0);
  base::Bytes forged = victim.signed_beat();
  forged.back() ^= 1;
  CHECK_FALSE(it.take(liar.id(), said(victim.signed_registration(), forged), false));
  CHECK_FALSE(it.take(liar.id(), said({}, {}), false));
  CHECK_FALSE(it.take(liar.id(), said(node.signed_registration(), victim.signed_beat()), false));
  CHECK(it.take(honest.id(), said(node.signed_registration(), node.signed_beat()), false));
  const auto found = it.end();
  REQUIRE(found.size() == 1);
  CHECK(found.begin()->first == node.id());
}

TEST_CASE("sweep: a liar's own registration takes the place of no other") {
  const TestNode victim(1), liar(2), honest(3);
  Gathered it(Region{}, {liar.id(), honest.id()}, 0);
  CHECK(it.take(liar.id(), said(victim.signed_registration(), victim.signed_beat()), false));
  Registration gone = liar.registration(UINT64_MAX);
  gone.registered = false;
  CHECK_FALSE(it.take(liar.id(), said(*sign(gone, liar.identity->key()), victim.signed_beat()), false));
  CHECK(it.take(honest.id(), said(victim.signed_registration(), victim.signed_beat()), false));
  const auto found = it.end();
  REQUIRE(found.size() == 1);
  CHECK(found.begin()->first == victim.id());
  CHECK(found.begin()->second.votes == 2);
}

TEST_CASE("sweep: nodes that were named and not asked are named once") {
  const TestNode node(1), by(2), other(3);
  Gathered it(Region{}, {by.id()}, 0);
  it.take(by.id(), said(node.signed_registration(), node.signed_beat()), false);
  it.take(by.id(), said(other.signed_registration(), other.signed_beat(), Status::offline), false);
  const auto unasked = it.unasked(10, 10);
  REQUIRE(unasked.size() == 1);
  CHECK(unasked[0].first == node.id());
  CHECK(it.unasked(10, 10).empty());
}

TEST_CASE("sweep: what lies outside of the region is not taken") {
  const TestNode node(1), by(2);
  Region region{.prefix = first_bits(node.id(), 4), .bits = 4};
  region.prefix.bytes[0] ^= 0x80;
  Gathered it(region, {by.id()}, 0);
  CHECK_FALSE(it.take(by.id(), said(node.signed_registration(), node.signed_beat()), false));
}

TEST_CASE("sweep: the newest vouch of each judge counts, and one that is forged is left out") {
  const TestNode node(1), a(2), b(3), liar(4);
  const auto vouch = [](const TestNode& by, const TestNode& of, std::uint64_t unix_ms) {
    return sign(Vouch{.by = by.identity->public_key(), .node = of.id(), .unix_ms = unix_ms}, by.identity->key());
  };
  const auto old = vouch(a, node, 5), newer = vouch(a, node, 7), other = vouch(b, node, 6), wrong = vouch(b, liar, 9);
  base::Bytes forged = vouch(b, node, 8);
  forged.back() ^= 1;
  const auto by = [&](Gathered& it, const TestNode& who, std::vector<base::ByteView> vouches) {
    const auto registration = node.signed_registration(), beat = node.signed_beat();
    auto what = said(registration, beat);
    what.vouches = vouches;
    CHECK(it.take(who.id(), what, false));
  };
  Gathered it(Region{}, {a.id(), b.id(), liar.id()}, 0);
  by(it, liar, {forged, wrong, base::ByteView{}, old});
  by(it, a, {newer, other});
  by(it, b, {old, other, other, other, newer});
  const auto found = it.end().begin()->second.vouches;
  REQUIRE(found.size() == 2);
  CHECK(found[0].unix_ms == 7);
  CHECK(found[1].unix_ms == 6);
}

namespace {

base::AddressGroup site(std::uint8_t number) {
  base::AddressGroup out;
  out.prefix[0] = number;
  return out;
}

}  // namespace

TEST_CASE("sweep: a node is of the site from which most of its watchers hear it, and those of one site have one word") {
  const TestNode node(1);
  std::vector<TestNode> others;
  for (std::uint8_t i = 2; i < 8; ++i) others.emplace_back(i);
  std::vector<base::NodeId> asked;
  for (const TestNode& one : others) asked.push_back(one.id());
  asked = nearest(asked, node.id(), 6);
  const auto registration = node.signed_registration(), beat = node.signed_beat();
  const auto found = [&](std::vector<std::uint8_t> said_sites, Gathered::Sites sites, int self = -1) {
    Gathered it(Region{}, asked, 0, std::move(sites));
    for (std::size_t i = 0; i < said_sites.size(); ++i) {
      auto what = said(registration, beat);
      if (said_sites[i] != 0) what.site = site(said_sites[i]);
      CHECK(it.take(asked[i], what, static_cast<int>(i) == self));
    }
    return it.end().begin()->second;
  };
  const base::AddressGroup claimed = group_of(node.id(), node.registration().at);
  const Gathered::Sites liars{{asked[0], site(9)}, {asked[1], site(9)}};
  CHECK(found({1, 1, 1, 2, 2}, {}).site == site(1));
  CHECK(found({1, 1, 2, 2, 2}, liars).site == site(2));
  CHECK(found({1, 1, 2, 2, 2}, liars).sites == 4);
  CHECK(found({1, 1, 0, 0, 0}, {}).site == claimed);     // by watchers that do not tell
  CHECK(found({1, 1, 1, 1, 2}, {}, 4).site == site(2));  // this node has heard it itself
  CHECK(found({1, 1, 1, 1, 1}, {}).sites == 5);
}

TEST_CASE("sweep: one site or two, though they are all that is near, do not say of what third one a node is") {
  const TestNode node(1);
  const auto registration = node.signed_registration(), beat = node.signed_beat();
  // What nodes of those sites say, where the node that gathers it is of a site of its own, and has not heard it.
  const auto told = [&](std::uint8_t where, std::vector<std::uint8_t> of) {
    std::vector<base::NodeId> asked{TestNode(100).id()};
    Gathered::Sites sites;
    for (std::size_t i = 0; i < of.size(); ++i) {
      asked.push_back(TestNode(static_cast<std::uint8_t>(2 + i)).id());
      sites.emplace(asked.back(), site(of[i]));
    }
    Gathered it(Region{}, asked, 0, std::move(sites));
    for (std::size_t i = 1; i < asked.size(); ++i) {
      auto what = said(registration, beat);
      what.site = site(where);
      CHECK(it.take(asked[i], what, false));
    }
    return it.end().begin()->second.site;
  };
  CHECK(told(1, {9, 9, 9, 9, 9, 9}) == site(9));
  CHECK(told(1, {8, 9, 8, 9, 8, 9}) != site(1));
  CHECK(told(9, {8, 9, 8, 9, 8, 9}) == site(9));  // where they are themselves they may say so
  CHECK(told(8, {8, 9, 8, 9, 8, 9}) == site(8));
  CHECK(told(1, {7, 8, 9, 7, 8, 9}) == site(1));
  CHECK(told(1, {8, 9}) == site(1));  // there are no others that could watch it
  CHECK(told(1, {9}) != site(1));
}

TEST_CASE("sweep: a node that one watcher makes up is of that watcher's site, whatever it says") {
  const TestNode made_up(1), liar(2);
  std::vector<base::NodeId> asked{liar.id()};
  for (std::uint8_t i = 3; i < 8; ++i) asked.push_back(TestNode(i).id());
  Gathered it(Region{}, asked, 0, {{liar.id(), site(9)}});
  const auto registration = made_up.signed_registration(), beat = made_up.signed_beat();
  auto what = said(registration, beat);
  what.site = site(1);
  CHECK(it.take(liar.id(), what, false));
  const auto found = it.end().begin()->second;
  CHECK(found.site == site(9));
  CHECK(found.sites <= 1);
}

TEST_CASE("sweep: a watcher that is named by others is of the site from which they hear it") {
  const TestNode node(1), first(2), a(3), b(4), c(5), second(6), third(7);
  Gathered it(Region{}, {first.id(), second.id(), third.id()}, 0);
  for (const TestNode* const one : {&a, &b, &c}) {
    const auto registration = one->signed_registration(), beat = one->signed_beat();
    auto what = said(registration, beat);
    what.site = site(9);
    for (const TestNode* const by : {&first, &second, &third}) CHECK(it.take(by->id(), what, false));
  }
  CHECK(it.unasked(12, 3).size() == 3);
  for (const TestNode* const by : {&first, &second, &third, &a, &b, &c})
    CHECK(it.take(by->id(), said(node.signed_registration(), node.signed_beat()), false));
  CHECK(it.end().at(node.id()).sites <= 4);
}

TEST_CASE("sweep: nodes that one site alone names take a quarter of the questions, behind those that more name") {
  const TestNode liar(1), honest(2), node(200);
  Gathered it(Region{}, {liar.id(), honest.id()}, 0);
  for (std::uint8_t i = 3; i < 43; ++i) {
    const TestNode made_up(i);
    CHECK(it.take(liar.id(), said(made_up.signed_registration(), made_up.signed_beat()), false));
  }
  for (const TestNode* const by : {&liar, &honest})
    CHECK(it.take(by->id(), said(node.signed_registration(), node.signed_beat()), false));
  const auto unasked = it.unasked(16, 4);
  CHECK(unasked.size() == 5);
  CHECK(unasked[0].first == node.id());
  CHECK(it.unasked(16, 4).empty());  // not in a later round, either
}
