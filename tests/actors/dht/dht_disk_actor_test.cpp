// What is left of what a node holds when it is full, its disk refuses, its store is away or its rows are damaged.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

TEST_CASE("dht store: all nodes of one network share a quota, listed or not") {
  DhtCluster cluster(6, [](std::size_t, ClusterNode& member) {
    member.settings.groups.group_of.ten_net = TenNet::network;
    member.settings.held.network_records_max = 4;
    member.settings.providers.per_network_max = 4;
  });
  CHECK(cluster.table(0).size() <= 3);  // of one address group
  std::size_t stored = 0, noted = 0;
  for (std::size_t i = 1; i < 6; ++i) {
    stored += cluster.store(i, 0, cluster.signed_by(i, 1, "x")).result == Result::STORED;
    noted += !announce(cluster, i, 0, key(1), cluster.token(i, 0));
  }
  CHECK(stored == 4);
  CHECK(noted == 4);
}

TEST_CASE("dht store: a full quota is said to be one") {
  SUBCASE("of an owner") {
    DhtCluster cluster(3, [](std::size_t, ClusterNode& member) { member.settings.held.owner_records_max = 1; });
    CHECK_FALSE(cluster.put(1, Space::kv, "one", "1").error);
    const auto second = cluster.put(1, Space::kv, "two", "2");
    REQUIRE(second.error);
    CHECK(second.error->code == Code::no_space);
    CHECK_FALSE(cluster.put(2, Space::kv, "two", "2").error);
    CHECK(cluster.store(1, 0, cluster.signed_by(1, 1, "x", "three")).result == Result::OWNER_FULL);
  }
  SUBCASE("of the node: what is nearer to it takes the place of what is farther") {
    DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
      if (i == 0) member.settings.held.records_max = 3;
    });
    std::vector<std::pair<Key, CidRecord>> by_distance;
    for (int i = 0; i < 5; ++i) {
      const CidRecord record{bytes_of("value " + std::to_string(i))};
      by_distance.push_back({base::distance(key_of(record), cluster[0].id()), record});
    }
    std::ranges::sort(by_distance, {}, [](const auto& one) { return one.first; });
    for (const int i : {1, 2, 3}) CHECK(cluster.store(1, 0, by_distance[i].second).result == Result::STORED);
    CHECK(cluster.store(1, 0, by_distance[4].second).result == Result::NO_SPACE);
    CHECK(cluster.store(1, 0, by_distance[0].second).result == Result::STORED);
    CHECK(cluster.state(0).records == 3);
    CHECK(cluster.held(1, 0, Space::cid, key_of(by_distance[3].second)).empty());
    CHECK(rows_in(cluster, 0, kRecordRows) == 3);
  }
  SUBCASE("of providers of one key") {
    DhtCluster cluster(4, [](std::size_t, ClusterNode& member) { member.settings.providers.per_key_max = 1; });
    std::size_t taken = 0;
    for (const std::size_t i : {1, 2, 3}) {
      const auto why = announce(cluster, i, 0, key(5), cluster.token(i, 0));
      if (why) CHECK(why->code == Code::no_space);
      else ++taken;
    }
    CHECK(taken >= 1);
    CHECK(cluster.state(0).announcements == 1);
    CHECK(rows_in(cluster, 0, kProviderRows) == 1);
  }
}

TEST_CASE("dht store: what the disk has not taken is not acknowledged, and not held") {
  DhtCluster cluster(3);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const Token token = cluster.token(1, 0);
  cluster[0].disk.set_capacity(1);
  const auto answer = cluster.store(1, 0, key_of(record), encode(record), token.view());
  CHECK(answer.error);
  CHECK(cluster.held(1, 0, Space::kv, key_of(record)).empty());
  CHECK(cluster.state(0).records == 0);
  cluster[0].disk.set_capacity(1);
  CHECK(announce(cluster, 1, 0, key(5), token));
  CHECK(cluster.state(0).announcements == 0);
  // Once the disk works again, so does the store.
  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(120s);
  CHECK(cluster.store(1, 0, record).result == Result::STORED);
  CHECK_FALSE(cluster.held(1, 0, Space::kv, key_of(record)).empty());
}

TEST_CASE("dht store: rows of strangers leave a part of the device to this node, whose health is no matter of theirs") {
  observe::Health health;
  DhtCluster cluster(3, [&](std::size_t i, ClusterNode& member) {
    if (i == 0) member.told.health = member.settings.health = &health;
  });
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const Token token = cluster.token(1, 0);
  const auto fill = [&](std::uint64_t left) { cluster[0].disk.set_capacity(cluster[0].disk.used_bytes() + left); };
  fill(60u << 20);  // below DhtSettings::left_to_self, above the reserve of the store
  const auto refused = cluster.store(1, 0, key_of(record), encode(record), token.view());
  REQUIRE(refused.error);
  CHECK(refused.error->code == Code::no_space);
  const auto unannounced = announce(cluster, 1, 0, key(5), token);
  REQUIRE(unannounced);
  CHECK(unannounced->code == Code::no_space);
  CHECK(cluster.state(0).records == 0);
  CHECK(cluster.state(0).announcements == 0);
  CHECK_FALSE(cluster.put(0, Space::kv, "own", "1").error);
  CHECK(cluster.state(0).records == 1);
  CHECK(health.reasons().empty());
  // Erasures, of what has expired, are done.
  fill(360u << 20);
  CHECK(cluster.store(1, 0, record).result == Result::STORED);
  fill(60u << 20);
  cluster.stage.run_for(72h);
  CHECK(rows_in(cluster, 0, kRecordRows) == 0);
  CHECK(health.reasons().empty());
}

TEST_CASE("dht store: a newer record that the disk has not taken does not take the older one away") {
  DhtCluster cluster(3);
  const KvRecord old = cluster.signed_by(1, 7, "seven"), fresh = cluster.signed_by(1, 8, "eight");
  REQUIRE(cluster.store(1, 0, old).result == Result::STORED);
  const Token token = cluster.token(1, 0);
  cluster[0].disk.set_capacity(1);
  CHECK(cluster.store(1, 0, key_of(fresh), encode(fresh), token.view()).error);
  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(120s);
  const std::string held = cluster.held(1, 0, Space::kv, key_of(old));
  CHECK((held == text(encode(old)) || held == text(encode(fresh))));
}

TEST_CASE("dht store: a life that the disk has not taken the end of is no longer than its row says") {
  DhtCluster cluster(3, [](std::size_t i, ClusterNode& member) {
    if (i == 0) member.settings.held.hold = 4h;
  });
  const CidRecord record{bytes_of("bytes")};
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  cluster.stage.run_for(2h);
  const Token token = cluster.token(1, 0);
  cluster[0].disk.set_capacity(1);
  CHECK(cluster.store(1, 0, key_of(record), encode(record), token.view()).error);
  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(120s);
  CHECK(cluster.held(1, 0, Space::cid, key_of(record)) == text(encode(record)));
  cluster.stage.run_for(2h);
  CHECK(cluster.held(1, 0, Space::cid, key_of(record)).empty());
}

TEST_CASE("dht store: what the disk has not lengthened stays where it is, and nothing is read") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) { member.stores = i != 0; });
  bool full = false;
  std::size_t read = 0;
  cluster[0].life().node.start(
      "store", script([&](Scripted&, runtime::Handlers& on) {
        on.ask<store::wire::Scan, store::wire::Slice>(
            [](auto, runtime::Reply<store::wire::Slice> reply) { reply.send([](store::wire::Slice::Builder) {}); });
        on.ask<store::wire::Commit, messages::wire::Nothing>([&](auto, runtime::Reply<messages::wire::Nothing> reply) {
          if (full) return reply.refuse({Code::no_space, "no space left on the device"});
          reply.send([](messages::wire::Nothing::Builder) {});
        });
        on.ask<store::wire::Get, store::wire::Found>([&](auto, runtime::Reply<store::wire::Found> reply) {
          ++read;
          reply.refuse({Code::overloaded, "the store has too much to do"});
        });
      }));
  cluster.stage.run_for(10s);
  const CidRecord record{bytes_of("bytes")};
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  REQUIRE_FALSE(announce(cluster, 1, 0, key(5), cluster.token(1, 0)));
  cluster.stage.run_for(2h);
  const Token token = cluster.token(1, 0);
  full = true;
  CHECK(code(cluster.store(1, 0, key_of(record), encode(record), token.view()).error) == Code::no_space);
  CHECK(code(announce(cluster, 1, 0, key(5), token)) == Code::no_space);
  CHECK(cluster.state(0).records == 1);
  CHECK(cluster.state(0).announcements == 1);
  CHECK(read == 0);
  SUBCASE("until it ends by its row") {
    cluster.stage.run_for(47h);
    CHECK(cluster.state(0).records == 0);
    CHECK(cluster.state(0).announcements == 0);
  }
}

TEST_CASE("dht store: a life that a later store has lengthened stays so, though an earlier one was not written") {
  DhtCluster cluster(1, [](std::size_t, ClusterNode& member) {
    member.stores = false;
    member.settings.held.hold = 12min;  // which another store lengthens after half a minute
  });
  std::vector<runtime::Reply<messages::wire::Nothing>> commits;
  cluster[0].life().node.start(
      "store", script([&](Scripted&, runtime::Handlers& on) {
        on.ask<store::wire::Scan, store::wire::Slice>(
            [](auto, runtime::Reply<store::wire::Slice> reply) { reply.send([](store::wire::Slice::Builder) {}); });
        on.ask<store::wire::Commit, messages::wire::Nothing>(
            [&](auto, runtime::Reply<messages::wire::Nothing> reply) { commits.push_back(std::move(reply)); });
      }));
  cluster.stage.run_for(10s);
  const CidRecord record{bytes_of("bytes")};
  const auto store = [&] {
    cluster.inside(0, [&](Scripted& self) {
      self.ask<wire::Store, wire::StoreDone>(
          self.node().find(kPath), self.now() + 60s,
          [&](wire::Store::Builder order) {
            order.setKey(data_of(key_of(record).view()));
            order.setRecord(data_of(encode(record)));
          },
          [](auto) {});
    });
  };
  store();
  cluster.stage.run_for(1s);
  REQUIRE(commits.size() == 1);
  commits[0].done();
  cluster.stage.run_for(5min);
  store();
  cluster.stage.run_for(40s);
  store();
  cluster.stage.run_for(1s);
  REQUIRE(commits.size() == 3);
  commits[1].refuse({Code::no_space, "no space left on the device"});
  cluster.stage.run_for(1s);
  commits[2].done();
  cluster.stage.run_for(8min);  // longer than by its first row
  std::string found;
  CHECK_FALSE(cluster.ask<wire::FindValue, wire::FoundValue>(
      0,
      [&](wire::FindValue::Builder question) {
        question.setSpace(static_cast<std::uint8_t>(Space::cid));
        question.setKey(data_of(key_of(record).view()));
      },
      [&](wire::FoundValue::Reader answer) { found = text(bytes_of(answer.getRecord())); }));
  CHECK(found == text(encode(record)));
  commits.clear();
}

TEST_CASE("dht store: what was to make room for a record that the disk has not taken is held again") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
    if (i == 0) member.settings.held.records_max = member.settings.providers.announcements_max = 3;
  });
  std::map<Key, CidRecord> by_distance;
  for (int i = 0; i < 4; ++i) {
    const CidRecord record{bytes_of("value " + std::to_string(i))};
    by_distance.emplace(base::distance(key_of(record), cluster[0].id()), record);
  }
  const CidRecord nearest = by_distance.begin()->second, farthest = by_distance.rbegin()->second;
  for (const auto& [distance, record] : by_distance)
    if (record != nearest) REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  const Token token = cluster.token(1, 0);
  std::map<Key, Key> keys;
  for (std::uint32_t i = 0; i < 4; ++i) keys.emplace(base::distance(key(i), cluster[0].id()), key(i));
  for (const auto& [distance, one] : keys)
    if (one != keys.begin()->second) REQUIRE_FALSE(announce(cluster, 1, 0, one, token));
  cluster[0].disk.set_capacity(1);
  CHECK(cluster.store(1, 0, key_of(nearest), encode(nearest), token.view()).error);
  CHECK(announce(cluster, 1, 0, keys.begin()->second, token));
  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(120s);
  CHECK(cluster.state(0).records == 3);
  CHECK(cluster.held(1, 0, Space::cid, key_of(farthest)) == text(encode(farthest)));
  CHECK(cluster.state(0).announcements == 3);
}

TEST_CASE("dht store: what finds no room among expired rows at a start has it once these are dropped") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
    if (i == 0) member.settings.held.records_max = 2;
  });
  std::map<Key, CidRecord> by_key;  // as they are read
  for (int i = 0; i < 3; ++i) {
    const CidRecord record{bytes_of("value " + std::to_string(i))};
    by_key.emplace(key_of(record), record);
  }
  const CidRecord last = by_key.rbegin()->second;
  std::vector<store::Row> rows;
  for (const auto& [key, record] : by_key) {
    const auto offer = admit(encode(record), key, cluster[1].id(), cluster.wall(), 0);
    REQUIRE(offer.ok());
    rows.push_back(row_of(offer.value(), cluster.wall() - (record == last ? 0h : 100h)));
  }
  write_rows(cluster, 0, kRecordRows, rows);
  cluster.restart(0);
  CHECK(rows_in(cluster, 0, kRecordRows) == 3);
  CHECK(cluster.state(0).records == 2);
  cluster.stage.run_for(kDateDoubted + 1min);
  CHECK(cluster.held(1, 0, Space::cid, key_of(last)) == text(encode(last)));
  CHECK(rows_in(cluster, 0, kRecordRows) == 1);
}

TEST_CASE("dht store: a put of which no disk takes anything is no success, and says why") {
  DhtCluster cluster(1);
  cluster[0].disk.set_capacity(1);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE(stored.error);
  CHECK(stored.error->code == Code::no_space);
  CHECK(cluster.state(0).records == 0);
}

TEST_CASE("dht store: without its store a node waits for it, and does not work itself to death") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) { member.stores = i != 0; });
  const auto events = cluster.stage.events();
  cluster.stage.run_for(60s);
  CHECK(cluster.stage.events() < events + 5'000);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  CHECK(cluster.store(1, 0, record).error);
  CHECK(cluster.state(0).records == 0);

  SUBCASE("and then reads what is there") {
    const CidRecord cid{bytes_of("bytes")};
    const auto offer = admit(encode(cid), key_of(cid), cluster[1].id(), cluster.wall(), 0);
    cluster.begin_store(0);
    write_rows(cluster, 0, kRecordRows, {row_of(offer.value(), cluster.wall())});
    cluster.stage.run_for(5s);
    CHECK(cluster.state(0).records == 1);
  }
  SUBCASE("and then stores what comes") {
    cluster.begin_store(0);
    cluster.stage.run_for(5s);
    CHECK(cluster.store(1, 0, record).result == Result::STORED);
    REQUIRE_FALSE(announce(cluster, 1, 0, key(5), cluster.token(1, 0)));
    cluster.stage.run_for(10s);
    CHECK(rows_in(cluster, 0, kRecordRows) == 1);
    CHECK(rows_in(cluster, 0, kProviderRows) == 1);
    cluster[0].stores = true;
    cluster.restart(0);
    CHECK(cluster.state(0).records == 1);
    CHECK(cluster.state(0).announcements == 1);
  }
}

TEST_CASE("dht store: a record that is read while it is being written is not lost") {
  DhtCluster cluster(2, [](std::size_t, ClusterNode& member) { member.settings.held.cache_bytes_max = 0; });
  const KvRecord record = cluster.signed_by(0, 7, "seven");
  bool stored = false;
  cluster.inside(0, [&](Scripted& self) {
    self.ask<wire::Store, wire::StoreDone>(
        self.node().find(kPath), self.now() + 60s,
        [&](wire::Store::Builder order) {
          order.setKey(data_of(key_of(record).view()));
          order.setRecord(data_of(encode(record)));
        },
        [&](runtime::Answer<wire::StoreDone> answer) {
          stored = answer.ok() && answer.value().getResult() == Result::STORED;
        });
    for (int i = 0; i < 3; ++i)
      self.ask<wire::FindValue, wire::FoundValue>(
          self.node().find(kPath), self.now() + 60s,
          [&](wire::FindValue::Builder question) {
            question.setSpace(static_cast<std::uint8_t>(Space::kv));
            question.setKey(data_of(key_of(record).view()));
          },
          [](auto) {});
  });
  cluster.stage.run_for(5s);
  REQUIRE(stored);
  CHECK(cluster.state(0).records == 1);
  CHECK(cluster.held(1, 0, Space::kv, key_of(record)) == text(encode(record)));
}

TEST_CASE("dht store: a row that is gone or damaged is forgotten, and not answered with") {
  DhtCluster cluster(2, [](std::size_t, ClusterNode& member) { member.settings.held.cache_bytes_max = 0; });
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  write_rows(cluster, 0, kRecordRows, {{row_key({Space::kv, key_of(record)}), base::Bytes(300, 7)}});
  CHECK(cluster.held(1, 0, Space::kv, key_of(record)).empty());
  cluster.stage.run_for(1s);
  CHECK(cluster.state(0).records == 0);
  CHECK(rows_in(cluster, 0, kRecordRows) == 0);
  CHECK(cluster.store(1, 0, record).result == Result::STORED);
}

TEST_CASE("dht store: what has expired is swept, however often something is stored") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
    if (i == 0) member.settings.providers.hold = 60s;
  });
  cluster.stage.run_for(kDateDoubted);
  REQUIRE_FALSE(announce(cluster, 1, 0, key(5), cluster.token(1, 0)));
  CHECK(rows_in(cluster, 0, kProviderRows) == 1);
  for (int i = 0; i < 20; ++i) {
    cluster.stage.run_for(5s);
    REQUIRE(cluster.store(1, 0, CidRecord{bytes_of("value " + std::to_string(i))}).result == Result::STORED);
  }
  CHECK(cluster.state(0).announcements == 0);
  CHECK(rows_in(cluster, 0, kProviderRows) == 0);
}

TEST_CASE("dht store: a date that is wrong for a while costs nothing of what is held") {
  DhtCluster cluster(2);
  const auto clock = [&]() -> sim::Clock& { return cluster[0].life().ports.clock(); };
  const CidRecord record{bytes_of("bytes")};
  const auto held = [&] { return cluster.held(1, 0, Space::cid, key_of(record)); };
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  REQUIRE_FALSE(announce(cluster, 1, 0, key(5), cluster.token(1, 0)));

  SUBCASE("while the node runs, and stores") {
    cluster.stage.run_for(2 * kDateDoubted);
    clock().step(1'000h);
    REQUIRE(cluster.store(1, 0, CidRecord{bytes_of("meanwhile")}).result == Result::STORED);
    CHECK(held().empty());
    cluster.stage.run_for(kDateDoubted - 1min);
    clock().step(-1'000h);
  }
  SUBCASE("when it starts") {
    cluster.kill(0);
    cluster.begin(0);
    clock().step(1'000h);
    cluster.stage.run_for(kDateDoubted - 1min);
    CHECK(held().empty());
    clock().step(-1'000h);
  }
  CHECK(held() == text(encode(record)));
  CHECK(cluster.state(0).announcements == 1);
  cluster.stage.run_for(2 * kDateDoubted);
  CHECK(held() == text(encode(record)));
  CHECK(rows_in(cluster, 0, kProviderRows) == 1);

  SUBCASE("one that stays is believed") {
    clock().step(1'000h);
    REQUIRE(cluster.store(1, 0, CidRecord{bytes_of("later")}).result == Result::STORED);
    cluster.stage.run_for(2 * kDateDoubted);
    CHECK(cluster.state(0).announcements == 0);
    CHECK(rows_in(cluster, 0, kProviderRows) == 0);
    CHECK(rows_in(cluster, 0, kRecordRows) == 1);
  }
}

TEST_CASE("dht store: what is asked for with nonsense is malformed") {
  DhtCluster cluster(2);
  for (const std::size_t size : {0, 19, 21}) {
    const base::Bytes odd(size, 1);
    CHECK(code(cluster.ask_from<wire::FindNode, wire::Nodes>(1, 0, [&](auto out) { out.setTarget(data_of(odd)); })) ==
          Code::malformed);
    CHECK(code(cluster.ask_from<wire::FindValue, wire::FoundValue>(1, 0, [&](auto out) {
            out.setSpace(2);
            out.setKey(data_of(odd));
          })) == Code::malformed);
    CHECK(code(cluster.ask_from<wire::GetProviders, wire::Providers>(
              1, 0, [&](auto out) { out.setKey(data_of(odd)); })) == Code::malformed);
    CHECK(code(cluster.ask<wire::GetValue, wire::GotValue>(1, [&](auto out) {
            out.setSpace(2);
            out.setKey(data_of(base::ByteView(base::Bytes(size + 1, 1))));
          })) == (size == 19 ? Code::not_found : Code::malformed));
  }
  const base::Bytes good(20, 1);
  CHECK(code(cluster.ask_from<wire::FindValue, wire::FoundValue>(1, 0, [&](auto out) {
          out.setSpace(4);
          out.setKey(data_of(good));
        })) == Code::unsupported);
  CHECK(code(cluster.ask_from<wire::FindNode, wire::Nodes>(1, 0, [&](auto out) {
          out.setTarget(data_of(good));
          out.setContactsMax(0);
        })) == Code::malformed);
  // What only an operator may ask.
  CHECK(code(cluster.ask_from<wire::Put, wire::PutDone>(1, 0, [](auto) {})) == Code::refused);
  CHECK(code(cluster.ask_from<wire::GetTable, wire::TableRows>(1, 0, [](auto) {})) == Code::refused);
  CHECK(cluster.failures().empty());
}
