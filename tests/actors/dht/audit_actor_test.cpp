// What a node finds when it reads back what it holds, and what it drops of it.
#include "actors/dht/audit_actor.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

struct Audited {
  std::map<std::string, AuditSums> spaces;
  std::vector<std::string> troubles;  // "kv: cannot be read"
  std::optional<Error> error;
  bool over = false;

  std::uint64_t all(std::uint64_t AuditSums::*number) const {
    std::uint64_t out = 0;
    for (const auto& [space, sums] : spaces) out += sums.*number;
    return out;
  }
};

template <class Question>
Audited audit(DhtCluster& cluster, std::size_t node, const std::function<void(Scripted&)>& meanwhile = {}) {
  Audited out;
  runtime::Subscription hold;
  cluster.inside(node, [&](Scripted& self) {
    hold = self.subscribe<Question, wire::AuditItem>(
        self.node().find(kAuditPath), 60s, [](auto) {},
        [&](wire::AuditItem::Reader item) {
          if (item.isTrouble())
            out.troubles.push_back(text_of(item.getTrouble().getSpace()) + ": " + text_of(item.getTrouble().getWhat()));
          if (!item.isSum()) return;
          for (const auto one : item.getSum())
            out.spaces[text_of(one.getSpace())] = {one.getRows(),     one.getBytes(),   one.getExpired(),
                                                   one.getTroubles(), one.getRemoved(), one.getRemovedBytes()};
        },
        [&](base::Result<void, Error> end) {
          out.over = true;
          if (!end.ok()) out.error = end.error();
        });
    if (meanwhile) meanwhile(self);
  });
  cluster.stage.run_until([&] { return out.over; }, 120s);
  CHECK(out.over);
  return out;
}
Audited check(DhtCluster& cluster, std::size_t node) { return audit<wire::CheckHeld>(cluster, node); }
Audited clean(DhtCluster& cluster, std::size_t node) { return audit<wire::CleanHeld>(cluster, node); }

/// Changes rows in the store of a node, as whoever can write to its disk does. No value: the row is erased.
void change(DhtCluster& cluster, std::size_t node, std::string_view keyspace, const base::Bytes& key,
            const std::optional<base::Bytes>& value) {
  REQUIRE_FALSE(cluster.ask<store::wire::Commit, messages::wire::Nothing>(
      node,
      [&](store::wire::Commit::Builder out) {
        auto row = out.initRows(1)[0];
        row.setKeyspace(std::string(keyspace));
        row.setKey(data_of(key));
        if (value) row.getValue().setPut(data_of(*value));
        else row.getValue().setErase();
      },
      {}, "/store"));
}
base::Bytes place_of(const Record& record) { return row_key({space_of(record), key_of(record)}); }

}  // namespace

TEST_CASE("dht audit: a node that is well has no trouble, and loses nothing when it is cleaned") {
  DhtCluster cluster(3);
  for (const std::string name : {"one", "two"}) REQUIRE_FALSE(cluster.put(0, Space::kv, name, name).error);
  REQUIRE_FALSE(cluster.put(0, Space::cid, "", "bytes").error);
  REQUIRE_FALSE(cluster.put(0, Space::pk, "", "").error);
  const base::Digest cid = crypto::sha256(base::as_bytes("a file"));
  REQUIRE_FALSE(cluster.provide(0, cid));
  for (const bool cleaning : {false, true}) {
    const Audited found = cleaning ? clean(cluster, 0) : check(cluster, 0);
    CHECK_FALSE(found.error);
    CHECK(found.troubles.empty());
    CHECK(found.spaces.at("kv").rows == 2);
    CHECK(found.spaces.at("cid").rows == 1);
    CHECK(found.spaces.at("pk").rows == 1);
    CHECK(found.spaces.at("providers").rows == 1);
    CHECK(found.spaces.at("published").rows == 5);
    CHECK(found.all(&AuditSums::removed) == 0);
  }
  CHECK(cluster.state(0).records == 4);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht audit: many rows are read, also while they change") {
  DhtCluster cluster(2);
  for (int i = 0; i < 200; ++i)
    REQUIRE(cluster.store(1, 0, cluster.signed_by(1, 1, "one", "name " + std::to_string(i))).result == Result::STORED);
  std::uint64_t sequence = 1;
  std::size_t left = 0;
  std::function<void(Scripted&)> write = [&](Scripted& self) {
    if (left == 0) return;
    const std::string name = "name " + std::to_string(--left % 230);  // some of them new
    const KvRecord record = cluster.signed_by(1, ++sequence, "new", name);
    self.ask<wire::Store, wire::StoreDone>(
        self.node().find(kPath), self.now() + 60s,
        [&](wire::Store::Builder order) {
          order.setKey(data_of(key_of(record).view()));
          order.setRecord(data_of(encode(record)));
        },
        [&](runtime::Answer<wire::StoreDone>) { write(self); });
  };
  const auto writers = [&](Scripted& self) {
    left = 300;
    for (int i = 0; i < 8; ++i) write(self);
  };
  for (const Audited& found :
       {audit<wire::CheckHeld>(cluster, 0, writers), audit<wire::CleanHeld>(cluster, 0, writers)}) {
    CHECK(found.troubles == std::vector<std::string>());
    CHECK(found.spaces.at("kv").rows >= 200);
    CHECK(found.all(&AuditSums::removed) == 0);
  }
  cluster.stage.run_for(5s);
  CHECK(left == 0);
  CHECK(check(cluster, 0).spaces.at("kv").rows == 230);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht audit: a row that is damaged, foreign or gone is named, and a check changes nothing") {
  DhtCluster cluster(2);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const base::Bytes row = place_of(record);
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  const auto offer = [&](const Record& one) {
    return row_of(admit(encode(one), key_of(one), cluster[1].id(), cluster.wall(), 0).value(), cluster.wall()).value;
  };
  std::string trouble;
  bool stays = false;  // what the node knows of is sound without it
  bool gone = false;   // there is no row to remove
  std::string_view keyspace = kRecordRows;
  SUBCASE("damaged") {
    change(cluster, 0, kRecordRows, row, base::Bytes(300, 7));
    trouble = "kv: cannot be read";
  }
  SUBCASE("altered") {
    base::Bytes value = offer(record);
    value[value.size() - 65] ^= 1;
    change(cluster, 0, kRecordRows, row, value);
    trouble = "kv: is not signed by its owner, or its id lacks the work";
  }
  SUBCASE("that of another key") {
    change(cluster, 0, kRecordRows, row, offer(cluster.signed_by(1, 7, "seven", "other")));
    trouble = "kv: belongs under another key";
  }
  SUBCASE("another one than is known") {
    change(cluster, 0, kRecordRows, row, offer(cluster.signed_by(1, 8, "eight")));
    trouble = "kv: differs between disk and index";
  }
  SUBCASE("gone") {
    change(cluster, 0, kRecordRows, row, std::nullopt);
    trouble = "kv: is in the index, but not on disk";
    gone = true;
  }
  SUBCASE("one more than is known") {
    const CidRecord more{bytes_of(std::string_view("more"))};
    change(cluster, 0, kRecordRows, place_of(more), offer(more));
    trouble = "cid: is on disk, but not in the index";
    stays = true;
  }
  SUBCASE("an announcement that is none") {
    change(cluster, 0, kProviderRows, base::Bytes(40, 1), base::Bytes(5, 5));
    trouble = "providers: cannot be read";
    keyspace = kProviderRows;
    stays = true;
  }
  SUBCASE("a key that is none") {
    change(cluster, 0, kRecordRows, base::Bytes(3, 9), base::Bytes(5, 5));
    trouble = "kv: cannot be read";
    stays = true;
  }
  const std::size_t rows = rows_in(cluster, 0, keyspace);
  for (int i = 0; i < 2; ++i) {
    const Audited found = check(cluster, 0);
    CHECK(found.troubles == std::vector{trouble});
    CHECK(found.all(&AuditSums::troubles) == 1);
    CHECK(found.all(&AuditSums::removed) == 0);
    CHECK(rows_in(cluster, 0, keyspace) == rows);
  }
  const Audited cleaned = clean(cluster, 0);
  CHECK(cleaned.troubles == std::vector{trouble});
  CHECK(cleaned.all(&AuditSums::removed) == (gone ? 0 : 1));
  CHECK(check(cluster, 0).troubles.empty());
  CHECK(cluster.state(0).records == (stays ? 1u : 0u));
  CHECK(cluster.store(1, 0, record).result == Result::STORED);
  CHECK_FALSE(cluster.held(1, 0, Space::kv, key_of(record)).empty());
  CHECK(check(cluster, 0).troubles.empty());
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht audit: what has expired is no trouble, and goes when it is cleaned") {
  DhtCluster cluster(1);
  cluster.stage.run_for(kDateDoubted);
  for (int i = 0; i < 3; ++i)
    REQUIRE_FALSE(
        cluster.put(0, Space::kv, "short " + std::to_string(i), "x", [](auto out) { out.setSeconds(3); }).error);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "long", "x").error);
  cluster.stage.run_for(4s);  // before the sweep, which is not done too often
  const Audited found = check(cluster, 0);
  CHECK(found.troubles.empty());
  CHECK(found.spaces.at("kv").expired == 3);
  const Audited cleaned = clean(cluster, 0);
  for (const char* const space : {"kv", "published"}) {
    CHECK(cleaned.spaces.at(space).removed == 3);
    CHECK(cleaned.spaces.at(space).removed_bytes > 300);
    CHECK(check(cluster, 0).spaces.at(space).rows == 1);
  }
  CHECK(rows_in(cluster, 0, kRecordRows) == 1);
  CHECK(rows_in(cluster, 0, kPublishedRows) == 3);  // with the cursor, and that it is under-replicated
  CHECK(cluster[0].settings.counters->published == 1);
}

TEST_CASE("dht audit: what was put anew while a clean found it expired stays published") {
  DhtCluster cluster(1);
  cluster.stage.run_for(kDateDoubted);
  const auto put = cluster.put(0, Space::kv, "orders", "x");
  REQUIRE_FALSE(put.error);
  const auto dropped = [&](std::uint64_t sequence) {
    std::optional<bool> out;
    REQUIRE_FALSE(cluster.ask<wire::DropRows, wire::RowsDropped>(
        0,
        [&](wire::DropRows::Builder order) {
          order.setKeyspace(std::string(kPublishedRows));
          order.initKeys(1).set(0, data_of(Republish::row_key({put.key, Published::kv})));
          order.setExpired(true);
          order.initSequences(1).set(0, sequence);
        },
        [&](wire::RowsDropped::Reader rows) { out = rows.getDropped()[0]; }, kRepublishPath));
    cluster.stage.run_for(1s);
    return out;
  };
  CHECK(dropped(put.sequence - 1) == false);
  CHECK(rows_in(cluster, 0, kPublishedRows) == 3);
  CHECK(dropped(put.sequence) == true);
  CHECK(rows_in(cluster, 0, kPublishedRows) == 1);
}

TEST_CASE("dht audit: a row that is good by the time that a clean would drop it stays") {
  DhtCluster cluster(1);
  const auto put = cluster.put(0, Space::kv, "orders", "x");
  REQUIRE_FALSE(put.error);
  const auto dropped = [&](std::string_view keyspace, const base::Bytes& row, const char* path) {
    std::optional<bool> out;
    REQUIRE_FALSE(cluster.ask<wire::DropRows, wire::RowsDropped>(
        0,
        [&](wire::DropRows::Builder order) {
          order.setKeyspace(std::string(keyspace));
          order.initKeys(1).set(0, data_of(row));
        },
        [&](wire::RowsDropped::Reader rows) { out = rows.getDropped()[0]; }, path));
    cluster.stage.run_for(1s);
    return out;
  };
  const base::Bytes held = row_key({Space::kv, put.key}), published = Republish::row_key({put.key, Published::kv});
  CHECK(dropped(kRecordRows, held, kPath) == false);
  CHECK(dropped(kPublishedRows, published, kRepublishPath) == false);
  CHECK(cluster[0].settings.counters->published == 1);
  CHECK(cluster.state(0).records == 1);
  write_rows(cluster, 0, kRecordRows, {{held, {1, 2, 3}}});
  write_rows(cluster, 0, kPublishedRows, {{published, {1, 2, 3}}});
  CHECK(dropped(kRecordRows, held, kPath) == true);
  CHECK(dropped(kPublishedRows, published, kRepublishPath) == true);
  CHECK(cluster[0].settings.counters->published == 0);
  CHECK(cluster.state(0).records == 0);
}

TEST_CASE("dht audit: what has expired by a date that is doubted stays when it is cleaned") {
  DhtCluster cluster(1);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "x").error);
  const base::Digest cid = crypto::sha256(base::as_bytes("a file"));
  REQUIRE_FALSE(cluster.provide(0, cid));
  sim::Clock& clock = cluster[0].life().ports.clock();
  SUBCASE("just after the start") {}
  SUBCASE("later") { cluster.stage.run_for(2h); }
  clock.step(100h);
  const Audited cleaned = clean(cluster, 0);
  CHECK_FALSE(cleaned.error);
  CHECK(cleaned.spaces.at("kv").expired == 1);
  CHECK(cleaned.spaces.at("providers").expired == 1);
  CHECK(cleaned.all(&AuditSums::removed) == 0);
  clock.step(-100h);
  const Audited found = check(cluster, 0);
  CHECK(found.troubles.empty());
  CHECK(found.all(&AuditSums::expired) == 0);
  CHECK(found.spaces.at("kv").rows == 1);
  CHECK(found.spaces.at("providers").rows == 1);
}

TEST_CASE("dht audit: one runs at a time, and ends with whoever reads it or with the store") {
  DhtCluster cluster(1, [](std::size_t, ClusterNode& member) { member.stores = false; });
  CHECK(check(cluster, 0).error);
  cluster.begin_store(0);
  cluster.stage.run_for(5s);
  runtime::Subscription first, second;
  bool refused = false;
  cluster.inside(0, [&](Scripted& self) {
    const auto open = [&](bool* failed) {
      return self.subscribe<wire::CheckHeld, wire::AuditItem>(
          self.node().find(kAuditPath), 60s, [](auto) {}, [](auto) {},
          [failed](base::Result<void, Error> end) {
            if (failed != nullptr) *failed = !end.ok() && end.error().code == Code::overloaded;
          });
    };
    first = open(nullptr);
    second = open(&refused);
  });
  cluster.stage.run_until([&] { return refused; }, 5s);
  CHECK(refused);
  cluster.inside(0, [&](Scripted&) { first.cancel(); });
  cluster.stage.run_for(1s);
  CHECK_FALSE(check(cluster, 0).error);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht audit: a node that keeps nothing on disk has nothing to be read") {
  DhtCluster cluster(1, [](std::size_t, ClusterNode& member) { member.settings.values = Values::in_memory; });
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "x").error);
  const Audited found = check(cluster, 0);
  CHECK_FALSE(found.error);
  CHECK(found.troubles.empty());
  CHECK(found.all(&AuditSums::rows) == 0);
}

TEST_CASE("dht audit: what is held is listed, all or one space of it, without what is in trouble") {
  DhtCluster cluster(2);
  for (int i = 0; i < 300; ++i)
    REQUIRE(cluster.store(1, 0, cluster.signed_by(1, 7, "seven", "name " + std::to_string(i))).result ==
            Result::STORED);
  REQUIRE_FALSE(cluster.put(0, Space::cid, "", "bytes").error);
  change(cluster, 0, kRecordRows, place_of(cluster.signed_by(1, 7, "seven", "name 5")), base::Bytes(300, 7));
  const auto list = [&](std::size_t node, const std::string& space) {
    std::map<std::string, int> rows;
    std::optional<Error> error;
    bool over = false;
    runtime::Subscription hold;
    cluster.inside(node, [&](Scripted& self) {
      hold = self.subscribe<wire::ListRows, wire::AuditItem>(
          self.node().find(kAuditPath), 60s, [&](wire::ListRows::Builder order) { order.setSpace(space); },
          [&](wire::AuditItem::Reader item) {
            if (item.isRow()) ++rows[text_of(item.getRow().getSpace())];
          },
          [&](base::Result<void, Error> end) {
            over = true;
            if (!end.ok()) error = end.error();
          });
    });
    CHECK(cluster.stage.run_until([&] { return over; }, 120s));
    CHECK_FALSE(error);
    return rows;
  };
  CHECK(list(0, "") == std::map<std::string, int>{{"cid", 1}, {"kv", 299}, {"published", 1}});
  CHECK(list(0, "kv") == std::map<std::string, int>{{"kv", 299}});
  CHECK(list(1, "published").empty());
  CHECK(cluster.failures().empty());
}
