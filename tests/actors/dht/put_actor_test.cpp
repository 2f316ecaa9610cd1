// What an operator may put, and what is kept published of it.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::uint64_t kDay = 24 * 3'600 * 1'000;

auto expecting(std::uint64_t sequence) {
  return [sequence](wire::Put::Builder order) { order.getExpected().setSequence(sequence); };
}

}  // namespace

TEST_CASE("dht put: a sequence far ahead of the date is not expected, and freezes no name") {
  DhtCluster cluster(3);
  const auto date = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(cluster.wall().since_origin()).count());
  for (const std::uint64_t far : {kMost, kMost - 1, date + 2 * kDay}) {
    const auto refused = cluster.put(0, Space::kv, "orders", "seven", expecting(far));
    REQUIRE(refused.error);
    CHECK(refused.error->code == Code::malformed);
  }
  const auto nobodys = cluster.put(0, Space::kv, "orders", "seven", expecting(date + kDay / 2));
  REQUIRE(nobodys.error);
  CHECK(nobodys.error->code == Code::conflict);

  // One that is held may be expected, wherever it lies; other names do not go on from there.
  const Record far = cluster.signed_by(0, kMost - 9, "far", "far");
  REQUIRE(cluster.store(0, 1, far).result == Result::STORED);
  REQUIRE(cluster.store(1, 0, far).result == Result::STORED);
  const auto next = cluster.put(0, Space::kv, "far", "farther", expecting(kMost - 9));
  CHECK_FALSE(next.error);
  CHECK(next.sequence == kMost - 8);
  const auto other = cluster.put(0, Space::kv, "near", "x");
  CHECK_FALSE(other.error);
  CHECK(other.sequence < date + 2 * kDay);
}

TEST_CASE("dht put: a node whose date is a day off is named where it does not take the record") {
  DhtCluster cluster(3);
  const auto put = [&] {
    const auto done = cluster.put(0, Space::kv, "orders", "seven");
    REQUIRE(done.error);
    return done.error->message;
  };
  const auto names = [&](std::size_t i) { return "; node " + cluster[i].identity->id().hex() + ": the record "; };
  SUBCASE("it is behind") {
    cluster[2].life().ports.clock().step(-24h);
    const std::string said = put();
    CHECK(said.find(names(2) + "was made in the future: one of two clocks is wrong") != std::string::npos);
  }
  SUBCASE("it is ahead by more than a record lasts") {
    cluster[2].life().ports.clock().step(24h * 30);
    CHECK(put().find(names(2) + "has expired") != std::string::npos);
  }
  SUBCASE("this node is ahead") {
    cluster[0].life().ports.clock().step(24h);
    CHECK(put().find("was made in the future: one of two clocks is wrong") != std::string::npos);
  }
}

TEST_CASE("dht put: a sequence that nobody holds is not there to be replaced") {
  DhtCluster cluster(5);
  const auto seven = [&](std::uint64_t sequence) {
    return cluster.put(0, Space::kv, "orders", "seven", expecting(sequence));
  };
  const auto refused = seven(7);
  REQUIRE(refused.error);
  CHECK(refused.error->code == Code::conflict);
  CHECK(refused.error->message.starts_with("conflict: "));
  for (std::size_t i = 0; i < 5; ++i) CHECK(cluster.state(i).records == 0);

  SUBCASE("an older one does not stand for it") {
    const Record old = cluster.signed_by(0, 6, "six");
    for (const std::size_t i : {1, 2, 3}) REQUIRE(cluster.store(0, i, old).result == Result::STORED);
    const auto other = seven(7);
    REQUIRE(other.error);
    CHECK(other.error->code == Code::conflict);
    CHECK(other.error->message.find("stored sequence is 6,") != std::string::npos);
    CHECK(cluster.held(0, 1, Space::kv, key_of(old)) == text(encode(old)));
  }
  SUBCASE("one that some hold is replaced at those, and stored at those that hold nothing") {
    const Record old = cluster.signed_by(0, 7, "six");
    for (const std::size_t i : {1, 3}) REQUIRE(cluster.store(0, i, old).result == Result::STORED);
    const auto stored = seven(7);
    CHECK_FALSE(stored.error);
    CHECK(stored.stored == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(cluster.get(i, Space::kv, stored.key).value == "seven");
  }
  SUBCASE("a newer one that a single node holds is found before anything is stored") {
    const Record old = cluster.signed_by(0, 7, "six"), newer = cluster.signed_by(0, 8, "eight");
    for (const std::size_t i : {0, 1, 2, 3}) REQUIRE(cluster.store(4, i, old).result == Result::STORED);
    REQUIRE(cluster.store(0, 4, newer).result == Result::STORED);
    const auto late = seven(7);
    REQUIRE(late.error);
    CHECK(late.error->code == Code::conflict);
    CHECK(late.error->message.find("stored sequence is 8,") != std::string::npos);
  }
  SUBCASE("zero expects nothing, which is what is held") {
    CHECK_FALSE(seven(0).error);
    cluster.stage.run_for(1s);
    const auto again = seven(0);
    REQUIRE(again.error);
    CHECK(again.error->code == Code::conflict);
  }
}

TEST_CASE("dht put: what no other node could be asked for, as too much is under way, is not stored and is no success") {
  const auto refused_by = [](DhtCluster& cluster) {
    for (const Space space : {Space::kv, Space::cid}) {
      const auto put = cluster.put(0, space, space == Space::kv ? "orders" : "", "seven");
      REQUIRE(put.error);
      CHECK(put.error->code == Code::overloaded);
      CHECK(put.error->retry_after > 0ms);
      CHECK(troupe::test::contains(put.error->message, "retry in some seconds"));
    }
    CHECK(cluster.state(0).records == 0);
  };
  SUBCASE("by this node, whose questions take all places") {
    DhtCluster cluster(3);
    cluster.kill(2);
    cluster.inside(0, [&](Scripted& self) {
      const auto gone = self.node().reach(cluster[2].where(), kPath);
      for (std::size_t i = 0; i < net::Datagrams::kAsksMax; ++i)
        self.ask<wire::GetProviders, wire::Providers>(
            gone, self.now() + 20s, [](wire::GetProviders::Builder) {}, [](const runtime::Answer<wire::Providers>&) {});
    });
    refused_by(cluster);
    cluster.stage.run_for(30s);
    CHECK_FALSE(cluster.put(0, Space::kv, "orders", "eight").error);
  }
  SUBCASE("by the others") {
    bool busy = false;
    DhtCluster cluster(3, [&](std::size_t i, ClusterNode& member) {
      if (i == 0) member.knows = {1, 2};
      if (i > 0)
        member.acts = [&](Scripted&, runtime::Handlers& on) {
          on.ask<wire::Ping, wire::Pong>([](auto, auto reply) { reply.send([](wire::Pong::Builder) {}); });
          on.ask<wire::FindNode, wire::Nodes>([&](auto, auto reply) {
            if (busy) return reply.refuse({Code::overloaded, "too much", 1s});
            reply.send([](wire::Nodes::Builder) {});
          });
        };
    });
    busy = true;
    refused_by(cluster);
  }
}

TEST_CASE("dht put: whoever hears nobody does not know whether the sequence that it expects is held") {
  DhtCluster cluster(1);
  const auto unheard = cluster.put(0, Space::kv, "orders", "seven", expecting(7));
  REQUIRE(unheard.error);
  CHECK(unheard.error->code == Code::unavailable);
  const auto first = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE_FALSE(first.error);
  CHECK_FALSE(cluster.put(0, Space::kv, "orders", "eight", expecting(first.sequence)).error);
}

TEST_CASE("dht put: what this node does not sign has no end and no number to expect") {
  DhtCluster cluster(3);
  for (const Space space : {Space::pk, Space::cid}) {
    const auto numbered = cluster.put(0, space, {}, space == Space::cid ? "value" : "", expecting(7));
    REQUIRE(numbered.error);
    CHECK(numbered.error->code == Code::malformed);
    const auto ended = cluster.put(0, space, {}, space == Space::cid ? "value" : "",
                                   [](wire::Put::Builder order) { order.setSeconds(60); });
    REQUIRE(ended.error);
    CHECK(ended.error->code == Code::malformed);
  }
  CHECK(cluster.state(0).records == 0);
  CHECK_FALSE(cluster.put(0, Space::cid, {}, "value").error);
}

TEST_CASE("dht put: a search that provides and is to be kept is published again") {
  DhtCluster cluster(3);
  const auto provide = [&](bool keep) {
    REQUIRE_FALSE(cluster.ask<wire::Search, wire::SearchResult>(0, [&](wire::Search::Builder search) {
      search.setKey(data_of(key(5).view()));
      search.getGoal().setProvide();
      search.setKeep(keep);
    }));
    cluster.stage.run_for(1s);
    return cluster[0].settings.counters->published.load();
  };
  CHECK(provide(false) == 0);
  CHECK(provide(true) == 1);
}
