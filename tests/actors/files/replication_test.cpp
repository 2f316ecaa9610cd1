#include "actors/files/logic/replication.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/files/logic/pace.hpp"
#include "actors/files/logic/placement.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

/// Nodes 1 to `count`; content 0 is nearest to 1, then 2, 3, and so on up to 8.
std::vector<base::NodeId> nodes(std::uint8_t count) {
  std::vector<base::NodeId> out;
  for (std::uint8_t i = 1; i <= count; ++i) out.push_back(node(i));
  return out;
}

std::vector<base::NodeId> targets(const std::vector<Store>& stores) {
  std::vector<base::NodeId> out;
  for (const Store& store : stores) out.push_back(store.node);
  return out;
}

/// Wants a content stored, among the candidates.
bool add(Replication& put, const ContentKey& key, std::uint64_t bytes) {
  if (!put.hold(key, bytes)) return false;
  put.place(key, {});
  return true;
}

}  // namespace

TEST_CASE("placement: the nearest by XOR, nearest first, in whatever order they are given") {
  const std::vector<base::NodeId> given{node(9), node(1), node(4), node(5), node(4)};
  CHECK(nearest(given, node(5), 3) == std::vector{node(5), node(4), node(1)});
  CHECK(nearest(given, node(5), 99) == std::vector{node(5), node(4), node(1), node(9)});
  CHECK(nearest(given, node(5), 0).empty());
  CHECK(nearest({}, node(5), 3).empty());
}

TEST_CASE("placement: those found near come first, nearest first, then the others that are known") {
  const std::vector<base::NodeId> near{node(9), node(8)}, known{node(2), node(9), node(4), node(2)};
  CHECK(order_of_candidates(near, known, node(5)) == std::vector{node(9), node(8), node(4), node(2)});
  CHECK(order_of_candidates({}, known, node(5)) == std::vector{node(4), node(2), node(9)});
  CHECK(order_of_candidates(near, {}, node(8)) == std::vector{node(8), node(9)});
}

TEST_CASE("placement: a second node of a site comes behind the first of each other site") {
  base::AddressGroup one, two;
  one.prefix[0] = 1;
  two.prefix[0] = 2;
  const Sites sites{{node(1), one}, {node(2), one}, {node(3), one}, {node(5), two}};
  const std::vector<base::NodeId> known = nodes(6);  // of 4 and 6 it is not known where they live
  const auto order = order_of_candidates({}, known, content(0).position(), sites);
  CHECK(order == std::vector{node(1), node(5), node(6), node(2), node(3), node(4)});
  // A site that has a copy comes behind those that have none.
  const std::vector<base::NodeId> holders{node(5)};
  CHECK(order_of_candidates({}, known, content(0).position(), sites, holders) ==
        std::vector{node(1), node(2), node(5), node(6), node(3), node(4)});
  // Those that were found near come first, and one of the others that is alone at its site next.
  const std::vector<base::NodeId> near = nodes(2);
  CHECK(order_of_candidates(near, known, content(0).position(), sites) ==
        std::vector{node(1), node(2), node(5), node(6), node(3), node(4)});
  // Where all live at one site nothing changes.
  Sites alike;
  for (const base::NodeId& id : known) alike[id] = one;
  CHECK(order_of_candidates({}, known, content(0).position(), alike) == known);
}

TEST_CASE("replication: the copies of a content are spread over sites, and come to one again where others fail") {
  base::AddressGroup one, two, three;
  one.prefix[0] = 1;
  two.prefix[0] = 2;
  three.prefix[0] = 3;
  const Sites sites{{node(1), one}, {node(2), one}, {node(3), one}, {node(4), two}, {node(5), three}};
  Replication put(nodes(5), 3);
  REQUIRE(put.hold(content(0), 1000));
  put.place(content(0), {}, {}, sites);
  CHECK(targets(put.next()) == std::vector{node(1), node(4), node(5)});
  put.failed(content(0), node(4), StoreFailure::refused);
  CHECK(targets(put.next()) == std::vector{node(2)});
  put.failed(content(0), node(5), StoreFailure::silent);
  CHECK(targets(put.next()) == std::vector{node(3)});
}

TEST_CASE("placement: a content lies where the first 20 bytes of its id say") {
  ChunkId id;
  for (std::size_t i = 0; i < 32; ++i) id.bytes[i] = static_cast<std::uint8_t>(i + 1);
  CHECK(ContentKey::chunk(id, 7).position().hex() == "0102030405060708090a0b0c0d0e0f1011121314");
}

TEST_CASE("replication: a content goes to the nearest nodes and is settled when all of them have synced") {
  Replication put(nodes(5), 3);
  REQUIRE(add(put, content(0), 1000));
  const auto stores = put.next();
  CHECK(targets(stores) == nodes(3));
  CHECK(put.next().empty());
  put.stored(content(0), node(2));
  put.stored(content(0), node(1));
  CHECK(put.take_settled().empty());
  CHECK_FALSE(put.idle());
  put.stored(content(0), node(3));
  const auto settled = put.take_settled();
  REQUIRE(settled.size() == 1);
  CHECK(settled[0].holders == nodes(3));
  CHECK(put.idle());
  CHECK(put.reached() == 3);
  CHECK(put.bytes_held() == 0);
}

TEST_CASE("replication: a node that is late has the next one asked as well, and gets nothing more until it answers") {
  Replication put(nodes(5), 2);
  REQUIRE(add(put, content(0), 1000));
  CHECK(targets(put.next()) == nodes(2));
  put.stored(content(0), node(2));
  CHECK(put.late(content(0), node(1)));
  CHECK_FALSE(put.late(content(0), node(1)));
  CHECK_FALSE(put.late(content(0), node(2)));
  CHECK(targets(put.next()) == std::vector{node(3)});
  REQUIRE(add(put, content(0, 1001), 1001));
  CHECK(targets(put.next()) == std::vector{node(2), node(3)});
  SUBCASE("its copy counts if it comes in time") {
    put.stored(content(0), node(1));
    CHECK(put.take_settled().empty());  // the other one is under way as well
    put.stored(content(0), node(3));
    CHECK(put.take_settled().front().holders == nodes(3));
  }
  SUBCASE("the content is settled without it, and it may answer later") {
    put.stored(content(0), node(3));
    CHECK(put.take_settled().front().holders == std::vector{node(2), node(3)});
    put.stored(content(0), node(1));
    put.check();
  }
  SUBCASE("it fails in the end") {
    put.failed(content(0), node(1), StoreFailure::silent);
    put.stored(content(0), node(3));
    CHECK(put.take_settled().front().holders == std::vector{node(2), node(3)});
  }
}

TEST_CASE("replication: without any other node the late one is waited for") {
  Replication put(nodes(1), 1);
  REQUIRE(add(put, content(0), 1000));
  CHECK(put.next().size() == 1);
  CHECK(put.late(content(0), node(1)));
  CHECK(put.next().empty());
  CHECK(put.take_settled().empty());
  SUBCASE("it answers") {
    put.stored(content(0), node(1));
    CHECK(put.take_settled().front().holders == nodes(1));
  }
  SUBCASE("it does not") {
    put.failed(content(0), node(1), StoreFailure::silent);
    CHECK(put.take_settled().front().holders.empty());
  }
  CHECK(put.idle());
}

TEST_CASE("replication: few nodes are late at once, and nodes that were silent lately come last") {
  Replication put(nodes(8), 1);
  REQUIRE(put.hold(content(0), 1000));
  put.place(content(0), {}, {node(1), node(2)});
  CHECK(targets(put.next()) == std::vector{node(3)});
  CHECK(put.late(content(0), node(3)));
  CHECK(targets(put.next()) == std::vector{node(4)});
  CHECK(put.late(content(0), node(4)));
  CHECK(targets(put.next()) == std::vector{node(5)});
  CHECK(put.late(content(0), node(5)));
  CHECK(targets(put.next()) == std::vector{node(6)});
  CHECK_FALSE(put.late(content(0), node(6)));  // this node's own line is slow
  CHECK(put.next().empty());
}

TEST_CASE("pace: a node has twice its usual time, an unknown one that of the others, within what others need") {
  using namespace std::chrono_literals;
  const base::Instant now{100s};
  Pace pace;
  CHECK(pace.patience(node(1)) == kPatienceUnknown);
  pace.took(node(1), 40ms);
  CHECK(pace.patience(node(1)) == 80ms + kSlack);
  CHECK(pace.patience(node(2)) == 80ms + kSlack);
  pace.took(node(1), 8ms);
  CHECK(pace.usual(node(1)) == 35ms);
  pace.took(node(2), 3s);
  pace.took(node(3), 30ms);
  CHECK(pace.patience(node(2)) == kPatienceMin);  // four times the median is less
  CHECK_FALSE(pace.is_silent(node(2), now));
  pace.silent(node(2), now);
  CHECK(pace.silent_nodes(now) == std::vector{node(2)});
  CHECK_FALSE(pace.is_silent(node(2), now + kSilentFor));
  pace.took(node(2), 30ms);
  CHECK(pace.silent_nodes(now).empty());
  for (std::size_t i = 0; i < 2 * kPaceNodesMax; ++i)
    pace.took(node(static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)), 1ms);
  CHECK(pace.nodes() == kPaceNodesMax);
}

TEST_CASE("replication: a content that waits for its places is held, and goes where they are said to be") {
  Replication put(nodes(3), 2, {.bytes_held_max = 2500});
  REQUIRE(put.hold(content(0), 1000));
  CHECK_FALSE(put.hold(content(0), 1000));
  CHECK(put.next().empty());
  CHECK(put.take_settled().empty());
  CHECK_FALSE(put.idle());
  CHECK_FALSE(put.room(2000));
  put.place(content(1), nodes(1));  // which nobody holds
  const std::vector<base::NodeId> near{node(9), node(8), node(2)};
  put.place(content(0), near);
  put.place(content(0), nodes(1));  // it has its places
  CHECK(targets(put.next()) == std::vector{node(2), node(8)});
  put.failed(content(0), node(8), StoreFailure::refused);
  CHECK(targets(put.next()) == std::vector{node(9)});
  put.failed(content(0), node(9), StoreFailure::silent);
  CHECK(targets(put.next()) == nodes(1));  // the nearest of the candidates
  put.stored(content(0), node(1));
  put.stored(content(0), node(2));
  CHECK(put.take_settled().front().holders == std::vector{node(2), node(1)});
  CHECK(put.idle());
}

TEST_CASE("replication: a planted bug that counts copies early is visible") {
  const Planted bug("files.replica_counted_before_stored");
  Replication put(nodes(5), 3, {}, bug);
  add(put, content(0), 1000);
  CHECK(put.next().size() == 3);
  CHECK(put.take_settled().size() == 1);  // though no node has answered
}

TEST_CASE("replication: a node that fails is replaced by the next nearest") {
  Replication put(nodes(5), 2);
  add(put, content(0), 1000);
  CHECK(targets(put.next()) == nodes(2));
  SUBCASE("a refusal counts for this content") {
    put.failed(content(0), node(1), StoreFailure::refused);
    CHECK(targets(put.next()) == std::vector{node(3)});
    add(put, content(0, 2000), 1000);
    CHECK(targets(put.next()) == nodes(2));
  }
  SUBCASE("silence leaves the node out of the rest of the put") {
    put.failed(content(0), node(1), StoreFailure::silent);
    CHECK(targets(put.next()) == std::vector{node(3)});
    add(put, content(0, 2000), 1000);
    CHECK(targets(put.next()) == std::vector{node(2), node(3)});
  }
  SUBCASE("so do three refusals in a row") {
    put.failed(content(0), node(1), StoreFailure::refused);
    for (std::uint32_t i = 1; i <= 2; ++i) {
      add(put, content(0, i), 10);
      CHECK(targets(put.next()).size() > 0);
      put.failed(content(0, i), node(1), StoreFailure::refused);
      put.stored(content(0, i), node(2));
      put.next();
      put.stored(content(0, i), node(3));
    }
    add(put, content(0, 9), 10);
    CHECK(targets(put.next())[0] == node(2));
  }
}

TEST_CASE("replication: with fewer nodes than asked it settles with those, and says how many") {
  Replication put(nodes(2), 3);
  add(put, content(0), 1000);
  for (const Store& store : put.next()) put.stored(store.key, store.node);
  REQUIRE(put.take_settled().size() == 1);
  CHECK(put.reached() == 2);
  add(put, content(1), 1000);
  for (const Store& store : put.next()) put.failed(store.key, store.node, StoreFailure::silent);
  const auto settled = put.take_settled();
  REQUIRE(settled.size() == 1);
  CHECK(settled[0].holders.empty());
  CHECK(put.reached() == 0);
  SUBCASE("a content that comes when nobody is left is settled at once") {
    add(put, content(2), 1000);
    CHECK(put.take_settled().size() == 1);
  }
}

TEST_CASE("replication: a content of which the file has two copies is stored once") {
  Replication put(nodes(3), 1);
  CHECK(add(put, content(0), 1000));
  CHECK_FALSE(add(put, content(0), 1000));
  CHECK(put.bytes_held() == 1000);
  for (const Store& store : put.next()) put.stored(store.key, store.node);
  CHECK_FALSE(add(put, content(0), 1000));
  CHECK(put.idle());
}

TEST_CASE("replication: stores in flight, stores at a node and bytes held have limits") {
  ReplicationLimits limits;
  limits.bytes_held_max = 3500;
  Replication put(nodes(8), 3, limits);
  for (std::uint8_t i = 0; i < 3; ++i) add(put, content(0, 1000u + i), 1000);
  CHECK(put.room(500));
  CHECK_FALSE(put.room(501));
  CHECK_THROWS_AS(add(put, content(7), 501), base::InvariantBroken);
  // All three want nodes 1 to 3, two at a time: the third waits instead of moving further away.
  const auto stores = put.next();
  CHECK(stores.size() == 6);
  put.stored(stores[0].key, stores[0].node);
  CHECK(targets(put.next()) == std::vector{node(1)});
  SUBCASE("one content always fits") {
    Replication small(nodes(1), 1, ReplicationLimits{.bytes_held_max = 10});
    CHECK(small.room(1000));
  }
  SUBCASE("no more than stores_in_flight_max") {
    Replication wide(nodes(16), 16);
    add(wide, content(0), 1);
    CHECK(wide.next().size() == ReplicationLimits{}.stores_in_flight_max);
  }
}

TEST_CASE("replication: answers that nobody waits for change nothing") {
  Replication put(nodes(3), 2);
  add(put, content(0), 1000);
  put.stored(content(0), node(1));  // not asked yet
  put.next();
  put.stored(content(0), node(3));  // not asked at all
  put.stored(content(9), node(1));
  put.stored(content(0), node(1));
  put.stored(content(0), node(1));
  put.failed(content(0), node(1), StoreFailure::silent);
  CHECK(put.take_settled().empty());
  put.stored(content(0), node(2));
  CHECK(put.take_settled().size() == 1);
}

TEST_CASE("replication: whatever fails, every content is settled, within the limits, at nodes that stored it") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    const auto count = static_cast<std::uint8_t>(random.below(7));
    const auto replicas = static_cast<std::uint32_t>(1 + random.below(4));
    Replication put(nodes(count), replicas);
    std::vector<Store> open;
    std::set<std::pair<ContentKey, base::NodeId>> synced;
    std::size_t added = 0, settled = 0;
    for (int step = 0; step < 2000 && (added < 20 || !put.idle()); ++step) {
      if (added < 20 && put.room(100'000)) add(put, content(static_cast<std::uint8_t>(added++)), 100'000);
      for (const Store& store : put.next()) open.push_back(store);
      RC_ASSERT(open.size() <= ReplicationLimits{}.stores_in_flight_max);
      if (!open.empty()) {
        std::swap(open[random.below(open.size())], open.back());
        const Store store = open.back();
        open.pop_back();
        if (random.chance(1, 4)) {
          put.failed(store.key, store.node, random.chance(1, 8) ? StoreFailure::silent : StoreFailure::refused);
        } else {
          put.stored(store.key, store.node);
          synced.insert({store.key, store.node});
        }
      }
      for (const Settled& one : put.take_settled()) {
        ++settled;
        RC_ASSERT(one.holders.size() <= replicas);
        RC_ASSERT(one.holders.size() >= put.reached());
        for (const base::NodeId& holder : one.holders) RC_ASSERT(synced.contains({one.key, holder}));
      }
    }
    RC_ASSERT(settled == 20u);
    RC_ASSERT(open.empty());
  }));
}
