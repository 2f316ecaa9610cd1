// What a node has published stays in the network while it runs, and after it was started again.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

constexpr auto kEachHour = 1h;

void often(std::size_t, ClusterNode& home) {
  home.settings.copies = 3;
  home.settings.republish.period = kEachHour;
  home.settings.held.hold = 3h;
  home.settings.providers.hold = 3h;
}

std::optional<base::Error> put(DhtCluster& cluster, std::size_t at, const std::string& value) {
  return cluster.ask<wire::Put, wire::PutDone>(at, [&](wire::Put::Builder order) {
    order.setSpace(3);
    order.setValue(data_of(base::as_bytes(value)));
  });
}

RecordKey place_of(const std::string& value) { return {Space::cid, key_of_value(base::as_bytes(value))}; }

std::size_t holders(DhtCluster& cluster, const std::string& value) {
  std::size_t out = 0;
  for (auto& member : cluster.members) {
    if (!member->up) continue;
    const auto error = cluster.ask<wire::FindValue, wire::FoundValue>(
        static_cast<std::size_t>(member->number - 1),
        [&](wire::FindValue::Builder question) {
          question.setSpace(3);
          question.setKey(data_of(place_of(value).key.view()));
        },
        [&](wire::FoundValue::Reader found) { out += found.getRecord().size() > 0; });
    REQUIRE_FALSE(error);
  }
  return out;
}

}  // namespace

TEST_CASE("republish: a record finds new holders when all others have gone") {
  DhtCluster cluster(8, often);
  REQUIRE_FALSE(put(cluster, 0, "kept"));
  CHECK(holders(cluster, "kept") >= 3);
  // Everybody but its publisher and those that do not hold it is replaced by nobody.
  for (std::size_t i = 1; i < 8 && holders(cluster, "kept") > 0; ++i) {
    bool has = false;
    REQUIRE_FALSE(cluster.ask<wire::FindValue, wire::FoundValue>(
        i,
        [&](wire::FindValue::Builder question) {
          question.setSpace(3);
          question.setKey(data_of(place_of("kept").key.view()));
        },
        [&](wire::FoundValue::Reader found) { has = found.getRecord().size() > 0; }));
    if (has) cluster.kill(i);
  }
  CHECK(holders(cluster, "kept") <= 1);
  SUBCASE("while its publisher runs on") {}
  SUBCASE("after its publisher was started again") {
    cluster[0].knows = {1, 2, 3, 4, 5, 6, 7};  // as `/peers` remembers
    cluster.restart(0);
  }
  cluster.stage.run_for(kEachHour + 10min);
  CHECK(holders(cluster, "kept") >= 3);
}

TEST_CASE("republish: what was put while nobody else was there comes to those who come") {
  DhtCluster cluster(4);
  for (std::size_t i = 1; i < 4; ++i) cluster.kill(i);
  cluster.restart(0);
  REQUIRE(cluster.table(0).size() == 0);
  const auto stored = cluster.put(0, Space::cid, "", "bytes");
  REQUIRE_FALSE(stored.error);
  CHECK(stored.stored == 1);
  cluster.stage.run_for(std::chrono::minutes(10));
  SUBCASE("at once") {}
  SUBCASE("also after a restart") { cluster.restart(0); }
  for (std::size_t i = 1; i < 4; ++i) cluster.begin(i);
  cluster.stage.run_for(std::chrono::minutes(5));
  for (std::size_t i = 1; i < 4; ++i) CHECK_FALSE(cluster.held(0, i, Space::cid, stored.key).empty());
}

TEST_CASE("republish: what was put while those that are known had gone comes to those who come") {
  DhtCluster cluster(4);
  for (std::size_t i = 1; i < 4; ++i) cluster.kill(i);
  REQUIRE(cluster.table(0).size() == 3);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE(stored.error);
  CHECK(stored.error->code == Code::unknown_outcome);
  for (std::size_t i = 1; i < 4; ++i) cluster.begin(i);
  cluster.stage.run_for(std::chrono::minutes(5));
  for (std::size_t i = 1; i < 4; ++i)
    CHECK_FALSE(cluster.held(0, i, Space::kv, key_of(cluster.signed_by(0, 1, "x"))).empty());
}

TEST_CASE("republish: who is cut off believes no put for as long as it knows others") {
  DhtCluster cluster(4);
  for (std::size_t i = 1; i < 4; ++i) cluster.kill(i);
  for (int i = 0; i < 20; ++i) {
    cluster.stage.run_for(std::chrono::minutes(i));
    const auto alone = cluster.put(0, Space::kv, "orders", "seven");
    REQUIRE(alone.error);
    CHECK(alone.error->code == Code::unknown_outcome);
    const auto expecting = cluster.put(0, Space::kv, "orders", "eight",
                                       [&](wire::Put::Builder order) { order.getExpected().setSequence(1); });
    REQUIRE(expecting.error);
    CHECK(expecting.error->code != Code::unknown_outcome);  // nothing is stored
    CHECK(cluster.get(0, Space::kv, key(9)).error->code == Code::unavailable);
  }
}

TEST_CASE("republish: who was cut off for days brings back what was published when it is heard again") {
  DhtCluster cluster(4, often);
  const auto stored = cluster.put(0, Space::cid, "", "bytes");
  REQUIRE_FALSE(stored.error);
  for (std::size_t i = 1; i < 4; ++i) cluster.kill(i);
  cluster.stage.run_for(10h);
  for (std::size_t i = 1; i < 4; ++i) cluster.begin(i);  // and have dropped it
  cluster.stage.run_for(std::chrono::minutes(5));
  for (std::size_t i = 1; i < 4; ++i) CHECK_FALSE(cluster.held(0, i, Space::cid, stored.key).empty());
}

TEST_CASE("republish: what is published again outlives the time for which it is held") {
  DhtCluster cluster(4, often);
  REQUIRE_FALSE(put(cluster, 0, "kept"));
  cluster.stage.run_for(10h);
  CHECK(holders(cluster, "kept") >= 3);
  SUBCASE("and not for long once its publisher is gone") {
    cluster.kill(0);
    cluster.stage.run_for(4h);
    CHECK(holders(cluster, "kept") == 0);
  }
}

TEST_CASE("republish: what too few have acknowledged is published again where an older record would be") {
  DhtCluster cluster(3, often);
  const auto published = [&] {
    cluster.stage.run_for(1s);
    return cluster[0].settings.counters->published.load();
  };
  cluster[1].disk.set_capacity(1);
  const auto orders = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE(orders.error);
  CHECK(orders.error->code == Code::unknown_outcome);
  CHECK(published() == 1);
  REQUIRE(put(cluster, 0, "content"));
  CHECK(published() == 1);
}

TEST_CASE("republish: what the store does not take yet is published as well, and noted once it does") {
  DhtCluster cluster(4, often);
  cluster[0].disk.set_capacity(1);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  cluster.stage.run_for(2 * kEachHour);
  CHECK(cluster[0].settings.counters->published == 1);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK_FALSE(cluster.held(0, i, Space::kv, key_of(cluster.signed_by(0, 1, "x"))).empty());
  cluster[0].disk.set_capacity(std::uint64_t{1} << 30);
  cluster.stage.run_for(10s);
  cluster.restart(0);
  cluster.stage.run_for(10s);
  CHECK(cluster[0].settings.counters->published == 1);
}

TEST_CASE("republish: a node whose clock was set back goes on from the numbers that it has published") {
  DhtCluster cluster(4, [](std::size_t i, ClusterNode& member) {
    often(i, member);
    if (i == 1) member.settings.endpoint = {};  // a client, which holds nothing
  });
  const auto date = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(cluster.wall().since_origin()).count());
  // As if the date had been an hour ahead.
  const Record before = cluster.signed_by(1, date + 3'600'000, "six");
  REQUIRE(cluster.store(0, 2, before).result == wire::StoreDone::Result::STORED);
  const auto ahead = cluster.put(1, Space::kv, "orders", "seven",
                                 [&](wire::Put::Builder order) { order.getExpected().setSequence(date + 3'600'000); });
  REQUIRE_FALSE(ahead.error);
  cluster.restart(1);
  const auto next = cluster.put(1, Space::kv, "orders", "eight");
  CHECK_FALSE(next.error);
  CHECK(next.sequence > ahead.sequence);
}

TEST_CASE("republish: what only a wrong date speaks against is published again once that is right") {
  DhtCluster cluster(3, often);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "seven").error);
  struct State {
    std::uint64_t items = 0, retries = 0, republished = 0;
  };
  const auto state = [&] {
    State out;
    cluster.ask<runtime::wire::Describe, wire::RepublishState>(
        0, [](auto) {},
        [&](wire::RepublishState::Reader one) {
          out = {one.getItems(), one.getRetries(), one.getRepublished()};
        },
        kRepublishPath);
    return out;
  };
  base::Duration off{};
  SUBCASE("one that is behind") { off = -100h; }
  SUBCASE("one that is ahead") { off = 100h; }
  sim::Clock& clock = cluster[0].life().ports.clock();
  clock.step(off);
  // Before it is believed, or one that is behind after that too.
  cluster.stage.run_for(off < 0h ? 2 * kEachHour : 50min);
  CHECK(state().items == 1);
  CHECK(state().retries == 1);
  CHECK(state().republished == 0);
  clock.step(-off);
  cluster.stage.run_for(2 * kEachHour);
  CHECK(state().items == 1);
  CHECK(state().retries == 0);
  CHECK(state().republished > 0);
}

TEST_CASE("republish: nodes that keep the other one of two with a number have what is wanted") {
  DhtCluster cluster(3, often);
  const Record one = cluster.signed_by(0, 7, "one"), other = cluster.signed_by(0, 7, "other");
  const Record& stays = newer(one, other) ? one : other;
  const Record& loses = newer(one, other) ? other : one;
  for (const std::size_t at : {0, 1, 2})
    REQUIRE(cluster.store((at + 1) % 3, at, stays).result == wire::StoreDone::Result::STORED);
  std::vector<bool> has;
  REQUIRE_FALSE(cluster.ask<wire::Search, wire::SearchResult>(
      0,
      [&](wire::Search::Builder out) {
        out.setKey(data_of(key_of(loses).view()));
        auto item = out.getGoal().initRegion(1)[0];
        item.setKey(data_of(key_of(loses).view()));
        item.setRecord(data_of(encode(loses)));
      },
      [&](wire::SearchResult::Reader result) {
        for (const bool one_has : result.getItems()) has.push_back(one_has);
      }));
  CHECK(has == std::vector{true});
}

TEST_CASE("republish: what has no room to be published again is said to end") {
  observe::Health health;
  DhtCluster cluster(3, [&](std::size_t i, ClusterNode& member) {
    often(i, member);
    member.settings.republish.items_max = 1;
    if (i == 0) member.settings.health = &health;
  });
  const auto warned = [&] {
    cluster.stage.run_for(1s);
    return std::ranges::any_of(health.reasons(), [](const auto& one) {
      return one.source == "dht-published" && one.text.find("1 later keys") != std::string::npos;
    });
  };
  REQUIRE_FALSE(
      cluster.put(0, Space::kv, "short", "seven", [](wire::Put::Builder order) { order.setSeconds(600); }).error);
  CHECK_FALSE(warned());
  REQUIRE_FALSE(put(cluster, 0, "content"));
  CHECK(warned());
  cluster.stage.run_for(2 * kEachHour + 10min);  // what has expired makes room
  CHECK_FALSE(warned());
}

TEST_CASE("republish: to fall behind is a warning, until it has caught up") {
  observe::Health health;
  std::vector<observe::HealthState> told;
  health.on_change([&](const observe::HealthReason& reason) {
    if (reason.source == "dht-republish") told.push_back(reason.state);
  });
  DhtCluster cluster(4, [&](std::size_t i, ClusterNode& member) {
    often(i, member);
    if (i == 0) member.settings.health = &health;
  });
  REQUIRE_FALSE(put(cluster, 0, "kept"));
  const auto late = [&] { return cluster[0].settings.counters->republish_late_ms.load(); };
  cluster.stage.run_for(2 * kEachHour);
  CHECK(told.empty());
  CHECK(cluster[0].settings.counters->published == 1);
  // What it has published cannot be read any more.
  caf::anon_send_exit(cluster[0].life().node.find("/store"), caf::exit_reason::kill);
  cluster.stage.run_for(kEachHour + kEachHour / 4);
  REQUIRE(told.size() == 1);
  CHECK(told.front() == observe::HealthState::degraded);
  CHECK(late() > 7 * 60 * 1'000);
  const auto reasons = health.reasons();
  CHECK(std::ranges::any_of(reasons, [](const auto& one) {
    return one.source == "dht-republish" && one.text.find("republication is late") != std::string::npos;
  }));
  cluster.begin_store(0);
  cluster.stage.run_for(kEachHour);
  CHECK(told.back() == observe::HealthState::ok);
  CHECK(late() == 0);
}
