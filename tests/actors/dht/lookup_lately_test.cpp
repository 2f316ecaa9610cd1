// Searches before a store, among nodes that answered an earlier one.
#include <doctest/doctest.h>

#include <algorithm>

#include "actors/dht/logic/lookup.hpp"
#include "tests/actors/dht/contacts.hpp"
#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

/// Of the network in which just as many nodes lie near zero as node() says.
const NetworkSize kAsDense{std::uint64_t{1} << 32};

LookupQuestion store_question() {
  LookupQuestion out;
  out.target = point(0);
  out.own = point(~std::uint64_t{0});
  out.kind = LookupKind::store_region;
  out.nearest = 8;
  out.deadline = base::Instant{110s};
  out.network = kAsDense;
  out.tracing = Tracing::on;
  return out;
}

struct Searched {
  LookupOutcome outcome;
  std::vector<Contact> asked;
};
/// Everybody names `named`, but for those that say nothing.
Searched search(const LookupQuestion& question, const std::vector<Contact>& known, bool lately,
                const std::vector<Contact>& named, const std::vector<Contact>& silent = {}) {
  std::vector<Start> starts;
  for (const Contact& one : known) starts.push_back({one, std::nullopt, lately});
  Lookup lookup{question, std::move(starts)};
  Searched out;
  base::Instant now{100s};
  std::vector<Contact> open;
  Decisions decisions = lookup.start(now);
  while (!decisions.done) {
    for (const Ask& ask : decisions.ask) {
      out.asked.push_back(ask.whom);
      open.push_back(ask.whom);
    }
    REQUIRE_FALSE(open.empty());
    const Contact whom = open.front();
    open.erase(open.begin());
    now = now + 1ms;
    const bool dead = std::ranges::count(silent, whom) > 0;
    decisions = dead ? lookup.failed(whom, AskFailure::silent, now)
                     : lookup.answered(whom, LookupAnswer{named, std::nullopt, 0}, now);
  }
  out.outcome = *decisions.done;
  std::ranges::sort(out.asked);
  return out;
}

}  // namespace

TEST_CASE("lookup: before a store those that answered lately are not asked again where the value belongs") {
  const auto known = search(store_question(), nodes(1, 20), true, nodes(1, 20));
  CHECK(known.outcome.ending == Ending::converged);
  CHECK(known.outcome.nearest == nodes(1, 8));
  CHECK(std::ranges::includes(known.asked, nodes(1, 3)));
  for (const Contact& one : nodes(4, 7)) CHECK(std::ranges::count(known.asked, one) == 0);
  CHECK(std::ranges::count(known.asked, node(8)) == 1);  // farther away than a store of that value goes
  CHECK(known.outcome.asked == known.asked.size());
  CHECK(known.outcome.unanswered <= 1);  // by a path that had heard of nobody nearer then

  SUBCASE("all are asked whose last answer is long ago") {
    const auto strangers = search(store_question(), nodes(1, 20), false, nodes(1, 20));
    CHECK(strangers.outcome.nearest == nodes(1, 8));
    CHECK(std::ranges::includes(strangers.asked, nodes(1, 8)));
  }
  SUBCASE("all are asked where nobody knows how large the network is") {
    auto question = store_question();
    question.network.reset();
    CHECK(std::ranges::includes(search(question, nodes(1, 20), true, nodes(1, 20)).asked, nodes(1, 8)));
  }
  SUBCASE("all are asked where nothing is to be stored") {
    auto question = store_question();
    question.kind = LookupKind::find_node;
    CHECK(std::ranges::includes(search(question, nodes(1, 20), true, nodes(1, 20)).asked, nodes(1, 8)));
  }
}

TEST_CASE("lookup: whoever came nearer since is found and asked before a store") {
  auto question = store_question();
  question.network = NetworkSize{kAsDense.nodes / 4};  // a store goes to all up to rank 31
  const auto searched = search(question, nodes(5, 24), true, nodes(1, 20));
  CHECK(searched.asked == nodes(1, 7));
  CHECK(searched.outcome.nearest == nodes(1, 24));
}

TEST_CASE("lookup: in place of those that do not answer others are asked, though they answered lately") {
  auto question = store_question();
  question.network = NetworkSize{kAsDense.nodes / 4};
  auto known = nodes(1, 20);
  for (const Contact& one : nodes(40, 44)) known.push_back(one);  // too far to be stored at, and so asked
  const auto searched = search(question, known, true, nodes(1, 20), nodes(1, 3));
  CHECK(std::ranges::includes(searched.asked, nodes(40, 42)));
  CHECK(searched.outcome.nearest == nodes(4, 20));
  CHECK(searched.outcome.unanswered == 3);
}

TEST_CASE("lookup: explain() tells who was not asked, and why") {
  std::vector<Start> starts;
  for (const Contact& one : nodes(1, 20)) starts.push_back({one, std::nullopt, true});
  Lookup lookup{store_question(), std::move(starts)};
  CHECK(lookup.start(base::Instant{100s}).ask.size() == 3);
  std::vector<Contact> spared;
  for (const Hop& hop : lookup.explain().hops)
    if (hop.chosen == Chosen::lately) spared.push_back(hop.whom);
  CHECK(spared == nodes(4, 7));
}

namespace {

constexpr std::size_t kNodes = 30;
constexpr std::size_t kCopies = 8;

struct Put {
  std::optional<Error> error;
  Key key;
  unsigned asked = 0, stores = 0, stored = 0;
};
Put put(DhtCluster& cluster, const std::string& value) {
  Put out;
  out.error = cluster.ask<wire::Put, wire::PutDone>(
      0,
      [&](wire::Put::Builder order) {
        order.setSpace(static_cast<std::uint8_t>(Space::cid));
        order.setValue(data_of(base::as_bytes(value)));
      },
      [&](wire::PutDone::Reader done) {
        out.key = *read_key(done.getKey());
        out.asked = done.getSearch().getAsked();
        out.stores = done.getSearch().getStores();
        out.stored = done.getSearch().getStored();
      });
  return out;
}

/// A network whose first node has put so much that it has a token of everybody.
struct Known {
  Known() : cluster(kNodes, [](std::size_t, ClusterNode& member) { member.settings.copies = kCopies; }) {
    cluster.stage.run_for(kTokenKept + 60s);  // those of the searches at the start are too old
    first = put(cluster, "0");
    for (int i = 1; i < 20; ++i) REQUIRE_FALSE(put(cluster, std::to_string(i)).error);
  }
  /// The nodes that should hold what lies at `key`, among those that are up.
  std::vector<std::size_t> holders(const Key& key) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < kNodes; ++i)
      if (cluster[i].up) out.push_back(i);
    std::ranges::sort(out, {}, [&](std::size_t i) { return base::distance(cluster[i].id(), key); });
    out.resize(kCopies);
    return out;
  }
  DhtCluster cluster;
  Put first;
};

}  // namespace

TEST_CASE(
    "lookup actor: a put among nodes that answered lately asks few of them, and reaches all that should hold it") {
  Known known;
  unsigned asked = 0;
  for (int i = 0; i < 10; ++i) {
    const Put done = put(known.cluster, "value " + std::to_string(i));
    REQUIRE_FALSE(done.error);
    CHECK(done.stored == done.stores);
    CHECK(done.stores >= kCopies);
    asked += done.asked;
    for (const std::size_t holder : known.holders(done.key))
      if (holder != 0) CHECK_FALSE(known.cluster.held(0, holder, Space::cid, done.key).empty());
  }
  CHECK(known.first.asked >= kCopies);
  CHECK(asked <= 10 * kCopies * 3 / 4);

  SUBCASE("some minutes later it asks all of them again") {
    known.cluster.stage.run_for(kTokenKept + 1s);
    CHECK(put(known.cluster, "later").asked >= kCopies);
  }
  CHECK(known.cluster.failures().empty());
}

TEST_CASE("lookup actor: a token that a node gave before it began anew is renewed") {
  Known known;
  for (std::size_t i = 1; i < kNodes; i += 3) known.cluster.restart(i);
  for (int i = 0; i < 10; ++i) {
    const Put done = put(known.cluster, "value " + std::to_string(i));
    REQUIRE_FALSE(done.error);
    CHECK(done.stored == done.stores);
  }
  std::uint64_t refused = 0;
  for (std::size_t i = 1; i < kNodes; i += 3) refused += known.cluster.state(i).refused;
  CHECK(refused > 0);
  CHECK(refused <= kNodes / 3 + 1);  // each once
  CHECK(known.cluster.failures().empty());
}

TEST_CASE("lookup actor: where nodes that answered lately are gone the search is done once more") {
  Known known;
  for (std::size_t i = 1; i < kNodes; i += 2) known.cluster.kill(i);
  for (int i = 0; i < 3; ++i) {
    const Put done = put(known.cluster, "value " + std::to_string(i));
    REQUIRE_FALSE(done.error);
    CHECK(done.stored * 4 >= done.stores * 3);
    CHECK(done.stored >= kCopies / 2);
  }
  CHECK(known.cluster.failures().empty());
}
