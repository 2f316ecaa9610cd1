// What is left of what a node holds when it is full, its disk refuses, its store is away or its rows are damaged.
#include <doctest/doctest.h>

#include "tests/actors/dht/quarter.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

/// Writes rows into the store of a node, as whoever can write to its disk does.
void write_rows(Quarter& quarter, std::size_t i, std::string_view keyspace, const std::vector<SaveRow>& rows) {
  const auto why = quarter.ask<store::wire::Commit, messages::wire::Nothing>(
      i,
      [&](store::wire::Commit::Builder out) {
        auto list = out.initRows(static_cast<unsigned>(rows.size()));
        for (unsigned k = 0; k < list.size(); ++k) {
          list[k].setKeyspace(std::string(keyspace));
          list[k].setKey(data_of(rows[k].key));
          list[k].getValue().setPut(data_of(rows[k].value));
        }
      },
      {}, "/store");
  REQUIRE_FALSE(why);
}
std::size_t rows_in(Quarter& quarter, std::size_t i, std::string_view keyspace) {
  std::size_t rows = 0;
  quarter.ask<store::wire::Scan, store::wire::Slice>(
      i,
      [&](store::wire::Scan::Builder scan) {
        scan.setKeyspace(std::string(keyspace));
        scan.setRowsMax(4'096);
      },
      [&](store::wire::Slice::Reader slice) { rows = slice.getRows().size(); }, "/store");
  return rows;
}
std::optional<Error> announce(Quarter& quarter, std::size_t asker, std::size_t of, const Key& key, const Token& token) {
  return quarter.ask_from<wire::AddProvider, wire::Added>(asker, of, [&](wire::AddProvider::Builder out) {
    write_asker(out.initAsker(), quarter[asker].settings);
    out.setToken(data_of(token.view()));
    out.setKey(data_of(key.view()));
  });
}
std::optional<Code> code(const std::optional<Error>& error) {
  return error ? std::optional(error->code) : std::nullopt;
}

}  // namespace

TEST_CASE("dht store: all nodes of one network share a quota, listed or not") {
  Quarter quarter(6, [](std::size_t, House& house) {
    house.settings.groups.group_of.ten_net = TenNet::network;
    house.settings.held.network_records_max = 4;
    house.settings.providers.per_network_max = 4;
  });
  CHECK(quarter.table(0).size() <= 3);  // of one address group
  std::size_t stored = 0, noted = 0;
  for (std::size_t i = 1; i < 6; ++i) {
    stored += quarter.store(i, 0, quarter.signed_by(i, 1, "x")).result == Result::STORED;
    noted += !announce(quarter, i, 0, key(1), quarter.token(i, 0));
  }
  CHECK(stored == 4);
  CHECK(noted == 4);
}

TEST_CASE("dht store: a full quota is said to be one") {
  SUBCASE("of an owner") {
    Quarter quarter(3, [](std::size_t, House& house) { house.settings.held.owner_records_max = 1; });
    CHECK_FALSE(quarter.put(1, Space::kv, "one", "1").error);
    const auto second = quarter.put(1, Space::kv, "two", "2");
    REQUIRE(second.error);
    CHECK(second.error->code == Code::no_space);
    CHECK_FALSE(quarter.put(2, Space::kv, "two", "2").error);
    CHECK(quarter.store(1, 0, quarter.signed_by(1, 1, "x", "three")).result == Result::OWNER_FULL);
  }
  SUBCASE("of the node: what is nearer to it takes the place of what is farther") {
    Quarter quarter(2, [](std::size_t i, House& house) {
      if (i == 0) house.settings.held.records_max = 3;
    });
    std::vector<std::pair<Key, CidRecord>> by_distance;
    for (int i = 0; i < 5; ++i) {
      const CidRecord record{dht::bytes_of("value " + std::to_string(i))};
      by_distance.push_back({base::distance(key_of(record), quarter[0].id()), record});
    }
    std::ranges::sort(by_distance, {}, [](const auto& one) { return one.first; });
    for (const int i : {1, 2, 3}) CHECK(quarter.store(1, 0, by_distance[i].second).result == Result::STORED);
    CHECK(quarter.store(1, 0, by_distance[4].second).result == Result::NO_SPACE);
    CHECK(quarter.store(1, 0, by_distance[0].second).result == Result::STORED);
    CHECK(quarter.state(0).records == 3);
    CHECK(quarter.held(1, 0, Space::cid, key_of(by_distance[3].second)).empty());
    CHECK(rows_in(quarter, 0, kRecordRows) == 3);
  }
  SUBCASE("of providers of one key") {
    Quarter quarter(4, [](std::size_t, House& house) { house.settings.providers.per_key_max = 1; });
    std::size_t taken = 0;
    for (const std::size_t i : {1, 2, 3}) {
      const auto why = announce(quarter, i, 0, key(5), quarter.token(i, 0));
      if (why) CHECK(why->code == Code::no_space);
      else ++taken;
    }
    CHECK(taken >= 1);
    CHECK(quarter.state(0).announcements == 1);
    CHECK(rows_in(quarter, 0, kProviderRows) == 1);
  }
}

TEST_CASE("dht store: what the disk has not taken is not acknowledged, and not held") {
  Quarter quarter(3);
  const KvRecord record = quarter.signed_by(1, 7, "seven");
  const Token token = quarter.token(1, 0);
  quarter[0].disk.set_capacity(1);
  const auto answer = quarter.store(1, 0, key_of(record), encode(record), token.view());
  CHECK(answer.error);
  CHECK(quarter.held(1, 0, Space::kv, key_of(record)).empty());
  CHECK(quarter.state(0).records == 0);
  quarter[0].disk.set_capacity(1);
  CHECK(announce(quarter, 1, 0, key(5), token));
  CHECK(quarter.state(0).announcements == 0);
  // Once the disk works again, so does the store.
  quarter[0].disk.set_capacity(sim::kDiskBytes);
  quarter.stage.run_for(120s);
  CHECK(quarter.store(1, 0, record).result == Result::STORED);
  CHECK_FALSE(quarter.held(1, 0, Space::kv, key_of(record)).empty());
}

TEST_CASE("dht store: a newer record that the disk has not taken does not take the older one away") {
  Quarter quarter(3);
  const KvRecord old = quarter.signed_by(1, 7, "seven"), fresh = quarter.signed_by(1, 8, "eight");
  REQUIRE(quarter.store(1, 0, old).result == Result::STORED);
  const Token token = quarter.token(1, 0);
  quarter[0].disk.set_capacity(1);
  CHECK(quarter.store(1, 0, key_of(fresh), encode(fresh), token.view()).error);
  quarter[0].disk.set_capacity(sim::kDiskBytes);
  quarter.stage.run_for(120s);
  const std::string held = quarter.held(1, 0, Space::kv, key_of(old));
  CHECK((held == text(encode(old)) || held == text(encode(fresh))));
}

TEST_CASE("dht store: a life that the disk has not taken the end of is no longer than its row says") {
  Quarter quarter(3, [](std::size_t i, House& house) {
    if (i == 0) house.settings.held.hold = 4h;
  });
  const CidRecord record{dht::bytes_of("bytes")};
  REQUIRE(quarter.store(1, 0, record).result == Result::STORED);
  quarter.stage.run_for(2h);
  const Token token = quarter.token(1, 0);
  quarter[0].disk.set_capacity(1);
  CHECK(quarter.store(1, 0, key_of(record), encode(record), token.view()).error);
  quarter[0].disk.set_capacity(sim::kDiskBytes);
  quarter.stage.run_for(120s);
  CHECK(quarter.held(1, 0, Space::cid, key_of(record)) == text(encode(record)));
  quarter.stage.run_for(2h);
  CHECK(quarter.held(1, 0, Space::cid, key_of(record)).empty());
}

TEST_CASE("dht store: what finds no room among expired rows at a start has it once these are dropped") {
  Quarter quarter(2, [](std::size_t i, House& house) {
    if (i == 0) house.settings.held.records_max = 2;
  });
  std::map<Key, CidRecord> by_key;  // as they are read
  for (int i = 0; i < 3; ++i) {
    const CidRecord record{dht::bytes_of("value " + std::to_string(i))};
    by_key.emplace(key_of(record), record);
  }
  const CidRecord last = by_key.rbegin()->second;
  std::vector<SaveRow> rows;
  for (const auto& [key, record] : by_key) {
    const auto offer = admit(encode(record), key, quarter[1].id(), quarter.wall(), 0);
    REQUIRE(offer.ok());
    rows.push_back(row_of(offer.value(), quarter.wall() - (record == last ? 0h : 100h)));
  }
  write_rows(quarter, 0, kRecordRows, rows);
  quarter.restart(0);
  CHECK(rows_in(quarter, 0, kRecordRows) == 3);
  CHECK(quarter.state(0).records == 2);
  quarter.stage.run_for(kDateDoubted + 1min);
  CHECK(quarter.held(1, 0, Space::cid, key_of(last)) == text(encode(last)));
  CHECK(rows_in(quarter, 0, kRecordRows) == 1);
}

TEST_CASE("dht store: a put of which no disk takes anything is no success, and says why") {
  Quarter quarter(1);
  quarter[0].disk.set_capacity(1);
  const auto stored = quarter.put(0, Space::kv, "orders", "seven");
  REQUIRE(stored.error);
  CHECK(stored.error->code == Code::no_space);
  CHECK(quarter.state(0).records == 0);
}

TEST_CASE("dht store: without its store a node waits for it, and does not work itself to death") {
  Quarter quarter(2, [](std::size_t i, House& house) { house.stores = i != 0; });
  const auto events = quarter.stage.events();
  quarter.stage.run_for(60s);
  CHECK(quarter.stage.events() < events + 5'000);
  const KvRecord record = quarter.signed_by(1, 7, "seven");
  CHECK(quarter.store(1, 0, record).error);
  CHECK(quarter.state(0).records == 0);

  SUBCASE("and then reads what is there") {
    const CidRecord cid{dht::bytes_of("bytes")};
    const auto offer = admit(encode(cid), key_of(cid), quarter[1].id(), quarter.wall(), 0);
    quarter.begin_store(0);
    write_rows(quarter, 0, kRecordRows, {row_of(offer.value(), quarter.wall())});
    quarter.stage.run_for(5s);
    CHECK(quarter.state(0).records == 1);
  }
  SUBCASE("and then stores what comes") {
    quarter.begin_store(0);
    quarter.stage.run_for(5s);
    CHECK(quarter.store(1, 0, record).result == Result::STORED);
    REQUIRE_FALSE(announce(quarter, 1, 0, key(5), quarter.token(1, 0)));
    quarter.stage.run_for(10s);
    CHECK(rows_in(quarter, 0, kRecordRows) == 1);
    CHECK(rows_in(quarter, 0, kProviderRows) == 1);
    quarter[0].stores = true;
    quarter.restart(0);
    CHECK(quarter.state(0).records == 1);
    CHECK(quarter.state(0).announcements == 1);
  }
}

TEST_CASE("dht store: a record that is read while it is being written is not lost") {
  Quarter quarter(2, [](std::size_t, House& house) { house.settings.held.cache_bytes_max = 0; });
  const KvRecord record = quarter.signed_by(0, 7, "seven");
  bool stored = false;
  quarter.inside(0, [&](Scripted& self) {
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
  quarter.stage.run_for(5s);
  REQUIRE(stored);
  CHECK(quarter.state(0).records == 1);
  CHECK(quarter.held(1, 0, Space::kv, key_of(record)) == text(encode(record)));
}

TEST_CASE("dht store: a row that is gone or damaged is forgotten, and not answered with") {
  Quarter quarter(2, [](std::size_t, House& house) { house.settings.held.cache_bytes_max = 0; });
  const KvRecord record = quarter.signed_by(1, 7, "seven");
  REQUIRE(quarter.store(1, 0, record).result == Result::STORED);
  write_rows(quarter, 0, kRecordRows, {{row_key({Space::kv, key_of(record)}), base::Bytes(300, 7)}});
  CHECK(quarter.held(1, 0, Space::kv, key_of(record)).empty());
  quarter.stage.run_for(1s);
  CHECK(quarter.state(0).records == 0);
  CHECK(rows_in(quarter, 0, kRecordRows) == 0);
  CHECK(quarter.store(1, 0, record).result == Result::STORED);
}

TEST_CASE("dht store: what has expired is swept, however often something is stored") {
  Quarter quarter(2, [](std::size_t i, House& house) {
    if (i == 0) house.settings.providers.hold = 60s;
  });
  quarter.stage.run_for(kDateDoubted);
  REQUIRE_FALSE(announce(quarter, 1, 0, key(5), quarter.token(1, 0)));
  CHECK(rows_in(quarter, 0, kProviderRows) == 1);
  for (int i = 0; i < 20; ++i) {
    quarter.stage.run_for(5s);
    REQUIRE(quarter.store(1, 0, CidRecord{dht::bytes_of("value " + std::to_string(i))}).result == Result::STORED);
  }
  CHECK(quarter.state(0).announcements == 0);
  CHECK(rows_in(quarter, 0, kProviderRows) == 0);
}

TEST_CASE("dht store: a date that is wrong for a while costs nothing of what is held") {
  Quarter quarter(2);
  const auto clock = [&]() -> sim::Clock& { return quarter[0].life().ports.clock(); };
  const CidRecord record{dht::bytes_of("bytes")};
  const auto held = [&] { return quarter.held(1, 0, Space::cid, key_of(record)); };
  REQUIRE(quarter.store(1, 0, record).result == Result::STORED);
  REQUIRE_FALSE(announce(quarter, 1, 0, key(5), quarter.token(1, 0)));

  SUBCASE("while the node runs, and stores") {
    quarter.stage.run_for(2 * kDateDoubted);
    clock().step(1'000h);
    REQUIRE(quarter.store(1, 0, CidRecord{dht::bytes_of("meanwhile")}).result == Result::STORED);
    CHECK(held().empty());
    quarter.stage.run_for(kDateDoubted - 1min);
    clock().step(-1'000h);
  }
  SUBCASE("when it starts") {
    quarter.kill(0);
    quarter.begin(0);
    clock().step(1'000h);
    quarter.stage.run_for(kDateDoubted - 1min);
    CHECK(held().empty());
    clock().step(-1'000h);
  }
  CHECK(held() == text(encode(record)));
  CHECK(quarter.state(0).announcements == 1);
  quarter.stage.run_for(2 * kDateDoubted);
  CHECK(held() == text(encode(record)));
  CHECK(rows_in(quarter, 0, kProviderRows) == 1);

  SUBCASE("one that stays is believed") {
    clock().step(1'000h);
    REQUIRE(quarter.store(1, 0, CidRecord{dht::bytes_of("later")}).result == Result::STORED);
    quarter.stage.run_for(2 * kDateDoubted);
    CHECK(quarter.state(0).announcements == 0);
    CHECK(rows_in(quarter, 0, kProviderRows) == 0);
    CHECK(rows_in(quarter, 0, kRecordRows) == 1);
  }
}

TEST_CASE("dht store: what is asked for with nonsense is malformed") {
  Quarter quarter(2);
  for (const std::size_t size : {0, 19, 21}) {
    const base::Bytes odd(size, 1);
    CHECK(code(quarter.ask_from<wire::FindNode, wire::Nodes>(1, 0, [&](auto out) { out.setTarget(data_of(odd)); })) ==
          Code::malformed);
    CHECK(code(quarter.ask_from<wire::FindValue, wire::FoundValue>(1, 0, [&](auto out) {
            out.setSpace(2);
            out.setKey(data_of(odd));
          })) == Code::malformed);
    CHECK(code(quarter.ask_from<wire::GetProviders, wire::Providers>(
              1, 0, [&](auto out) { out.setKey(data_of(odd)); })) == Code::malformed);
    CHECK(code(quarter.ask<wire::GetValue, wire::GotValue>(1, [&](auto out) {
            out.setSpace(2);
            out.setKey(data_of(base::ByteView(base::Bytes(size + 1, 1))));
          })) == (size == 19 ? Code::not_found : Code::malformed));
  }
  const base::Bytes good(20, 1);
  CHECK(code(quarter.ask_from<wire::FindValue, wire::FoundValue>(1, 0, [&](auto out) {
          out.setSpace(4);
          out.setKey(data_of(good));
        })) == Code::unsupported);
  CHECK(code(quarter.ask_from<wire::FindNode, wire::Nodes>(1, 0, [&](auto out) {
          out.setTarget(data_of(good));
          out.setContactsMax(0);
        })) == Code::malformed);
  // What only an operator may ask.
  CHECK(code(quarter.ask_from<wire::Put, wire::PutDone>(1, 0, [](auto) {})) == Code::refused);
  CHECK(code(quarter.ask_from<wire::GetTable, wire::TableRows>(1, 0, [](auto) {})) == Code::refused);
  CHECK(quarter.failures().empty());
}
