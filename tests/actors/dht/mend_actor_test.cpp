// What searches leave behind: holders that lag are repaired, and copies of what cannot change answer the next one.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

const Counters& counts(DhtCluster& cluster, std::size_t i) { return *cluster[i].settings.counters; }

std::string text_of(const Record& record) { return text(encode(record)); }

/// By distance from a key, nearest first.
std::vector<std::size_t> by_distance(DhtCluster& cluster, const Key& key) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < cluster.members.size(); ++i) out.push_back(i);
  std::ranges::sort(out, {}, [&](std::size_t i) { return base::distance(cluster[i].id(), key); });
  return out;
}

DhtCluster::Tune caching(std::size_t bytes, std::size_t copies = 2) {
  return [=](std::size_t, ClusterNode& member) {
    member.settings.copies = copies;
    member.settings.cache_bytes_max = bytes;
  };
}

}  // namespace

TEST_CASE("dht repair: a read gives the newest to whoever has an older one or none") {
  DhtCluster cluster(5, [](std::size_t, ClusterNode& member) { member.settings.copies = 5; });
  const KvRecord old = cluster.signed_by(1, 7, "seven"), fresh = cluster.signed_by(1, 8, "eight");
  const Key key = key_of(fresh);
  const auto held = [&](std::size_t of) { return cluster.held(of == 0 ? 1 : 0, of, Space::kv, key); };
  for (const std::size_t i : {2, 3}) REQUIRE(cluster.store(1, i, fresh).result == wire::StoreDone::Result::STORED);
  REQUIRE(cluster.store(1, 4, old).result == wire::StoreDone::Result::STORED);
  const auto all = [](wire::GetValue::Builder question) { question.setQuorum(5); };

  SUBCASE("after the answer") {
    CHECK(cluster.get(0, Space::kv, key, all).value == "eight");
    cluster.stage.run_for(1s);
    CHECK(held(4) == text_of(fresh));
    CHECK(held(1) == text_of(fresh));
    CHECK(counts(cluster, 0).repairs == 2);
    CHECK(counts(cluster, 0).repaired == 2);
    // The next one finds nothing to repair.
    CHECK(cluster.get(0, Space::kv, key, all).value == "eight");
    cluster.stage.run_for(1s);
    CHECK(counts(cluster, 0).repairs == 2);
  }
  SUBCASE("also to the node that reads") {
    REQUIRE(cluster.store(1, 0, old).result == wire::StoreDone::Result::STORED);
    CHECK(cluster.get(0, Space::kv, key, all).value == "eight");
    cluster.stage.run_for(1s);
    CHECK(held(0) == text_of(fresh));
    CHECK(counts(cluster, 0).repaired == 3);
  }
  SUBCASE("of what it has itself, if that is the newest") {
    const KvRecord newest = cluster.signed_by(1, 9, "nine");
    REQUIRE(cluster.store(1, 0, newest).result == wire::StoreDone::Result::STORED);
    CHECK(cluster.get(0, Space::kv, key, all).value == "nine");
    cluster.stage.run_for(1s);
    for (const std::size_t i : {1, 2, 3, 4}) CHECK(held(i) == text_of(newest));
  }
  SUBCASE("one that cannot take it is not asked again and again in one search") {
    cluster[4].disk.set_capacity(1);
    CHECK(cluster.get(0, Space::kv, key, all).value == "eight");
    cluster.stage.run_for(10s);
    CHECK(counts(cluster, 0).repairs == 2);
    CHECK(counts(cluster, 0).repaired == 1);
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht cache: what was found is at hand the next time, for as long as it lasts") {
  DhtCluster cluster(12, caching(64 << 10));
  const CidRecord record{bytes_of("some bytes")};
  const Key key = key_of(Record(record));
  const auto near = by_distance(cluster, key);
  const std::size_t holder = near[0], asker = near[11];
  REQUIRE(cluster.store(asker, holder, record).result == wire::StoreDone::Result::STORED);
  const auto first = cluster.get(asker, Space::cid, key);
  CHECK(first.value == "some bytes");
  CHECK(first.asked > 0);
  CHECK(counts(cluster, asker).cache_hits == 0);
  const auto again = cluster.get(asker, Space::cid, key);
  CHECK(again.value == "some bytes");
  CHECK(again.asked == 0);
  CHECK(again.ending == "cached");
  CHECK(counts(cluster, asker).cache_hits == 1);

  SUBCASE("after that it is searched for again") {
    cluster.stage.run_for(base::Duration(kCopyMax) + 1s);
    const auto later = cluster.get(asker, Space::cid, key);
    CHECK(later.value == "some bytes");
    CHECK(later.asked > 0);
  }
  SUBCASE("a new start forgets it") {
    cluster.restart(asker);
    CHECK(cluster.get(asker, Space::cid, key).asked > 0);
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht cache: no copy outlives what it was made of") {
  DhtCluster cluster(12, [](std::size_t i, ClusterNode& member) {
    caching(64 << 10)(i, member);
    member.settings.held.hold = 10min;
  });
  const CidRecord record{bytes_of("some bytes")};
  const Key key = key_of(Record(record));
  const auto near = by_distance(cluster, key);
  REQUIRE(cluster.store(near[11], near[0], record).result == wire::StoreDone::Result::STORED);
  cluster.stage.run_for(9min);
  for (const std::size_t asker : {near[11], near[10], near[9]})
    CHECK(cluster.get(asker, Space::cid, key).value == "some bytes");
  cluster.stage.run_for(1min);
  for (const std::size_t asker : {near[11], near[10], near[9]}) {
    const auto got = cluster.get(asker, Space::cid, key);
    REQUIRE(got.error);
    CHECK(got.error->code == Code::not_found);
  }
}

TEST_CASE("dht cache: the nearest node asked that has no record keeps a copy, and answers with it") {
  DhtCluster cluster(12, caching(64 << 10, 6));
  const CidRecord record{bytes_of("some bytes")};
  const Key key = key_of(Record(record));
  const auto near = by_distance(cluster, key);
  REQUIRE(cluster.store(near[11], near[5], record).result == wire::StoreDone::Result::STORED);
  CHECK(cluster.get(near[11], Space::cid, key).value == "some bytes");
  cluster.stage.run_for(1s);
  CHECK(counts(cluster, near[11]).copies_left == 1);
  // Nobody holds it for real any more.
  cluster.kill(near[5]);
  CHECK(cluster.get(near[10], Space::cid, key).value == "some bytes");
  std::uint64_t served = 0;
  for (const std::size_t i : near) served += counts(cluster, i).cache_served;
  CHECK(served >= 1);
  // What a node says that it holds is no copy.
  for (const std::size_t i : {near[0], near[1]}) CHECK(cluster.state(i).records == 0);
}

TEST_CASE("dht cache: of what its owner may change there are no copies") {
  DhtCluster cluster(6, caching(64 << 10));
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const Key key = key_of(record);
  const auto near = by_distance(cluster, key);
  for (const std::size_t i : {near[0], near[1]}) REQUIRE_FALSE(cluster.store(near[5], i, record).error);
  for (int i = 0; i < 2; ++i) {
    const auto got = cluster.get(near[5], Space::kv, key);
    CHECK(got.value == "seven");
    CHECK(got.asked > 0);
  }
  // Nor does a node take one that others leave.
  wire::StoreDone::Result result = wire::StoreDone::Result::STORED;
  const Token token = cluster.token(near[5], near[3]);
  const auto error = cluster.ask_from<wire::Store, wire::StoreDone>(
      near[5], near[3],
      [&](wire::Store::Builder order) {
        write_asker(order.initAsker(), cluster[near[5]].settings);
        order.setToken(data_of(token.view()));
        order.setKey(data_of(key.view()));
        order.setRecord(data_of(encode(record)));
        order.setCopyS(60);
      },
      [&](wire::StoreDone::Reader done) { result = done.getResult(); });
  CHECK_FALSE(error);
  CHECK(result == wire::StoreDone::Result::BAD);
}

TEST_CASE("dht cache: a copy is checked as a record is, and needs a token as one") {
  DhtCluster cluster(3, caching(64 << 10));
  const CidRecord record{bytes_of("some bytes")};
  const auto leave = [&](const Key& key, base::ByteView token) {
    wire::StoreDone::Result result = wire::StoreDone::Result::STORED;
    const auto error = cluster.ask_from<wire::Store, wire::StoreDone>(
        0, 1,
        [&](wire::Store::Builder order) {
          write_asker(order.initAsker(), cluster[0].settings);
          order.setToken(data_of(token));
          order.setKey(data_of(key.view()));
          order.setRecord(data_of(encode(record)));
          order.setCopyS(60);
        },
        [&](wire::StoreDone::Reader done) { result = done.getResult(); });
    return error ? std::string(base::name(error->code)) : result == wire::StoreDone::Result::STORED ? "stored" : "not";
  };
  const Key place = key_of(Record(record));
  const Token token = cluster.token(0, 1);
  CHECK(leave(place, base::ByteView(token.view()).first(7)) == "refused");
  CHECK(leave(key(1), token.view()) == "not");
  CHECK(cluster.held(0, 1, Space::cid, place).empty());
  CHECK(leave(place, token.view()) == "stored");
  CHECK(cluster.held(0, 1, Space::cid, place) == text_of(record));
  CHECK(cluster.state(1).records == 0);
  cluster.stage.run_for(60s);
  CHECK(cluster.held(0, 1, Space::cid, place).empty());
}

TEST_CASE("dht cache: with none, each search asks") {
  DhtCluster cluster(12, caching(0));
  const CidRecord record{bytes_of("some bytes")};
  const Key key = key_of(Record(record));
  const auto near = by_distance(cluster, key);
  REQUIRE_FALSE(cluster.store(near[11], near[1], record).error);
  for (int i = 0; i < 3; ++i) CHECK(cluster.get(near[11], Space::cid, key).asked > 0);
  CHECK(counts(cluster, near[11]).copies_left == 0);
  CHECK(counts(cluster, near[0]).stores == 0);
}
