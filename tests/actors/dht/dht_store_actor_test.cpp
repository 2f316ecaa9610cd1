// What a node holds for others: who may store, what is taken, and what is left after it broke, died or ran out of disk.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

TEST_CASE("dht store: a store needs a token that its asker was given a moment ago") {
  DhtCluster cluster(3);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const Key key = key_of(record);
  const Token own = cluster.token(1, 0);
  SUBCASE("its own is good for five minutes, whatever the generation") {
    cluster.stage.run_for(299s);
    CHECK(cluster.store(1, 0, key, encode(record), own.view()).result == Result::STORED);
    CHECK_FALSE(announce(cluster, 1, 0, key, own));
    return;
  }
  base::Bytes shown;
  SUBCASE("none") {}
  SUBCASE("of another length") { shown = base::Bytes(own.bytes.begin(), own.bytes.end() - 1); }
  SUBCASE("made up") { shown = base::Bytes(Token::kBytes, 7); }
  SUBCASE("given to somebody else") {
    const Token other = cluster.token(2, 0);
    shown.assign(other.bytes.begin(), other.bytes.end());
  }
  SUBCASE("of another node") {
    const Token other = cluster.token(1, 2);
    shown.assign(other.bytes.begin(), other.bytes.end());
  }
  SUBCASE("an old one") {
    shown.assign(own.bytes.begin(), own.bytes.end());
    cluster.stage.run_for(601s);
  }
  SUBCASE("of before a restart") {
    shown.assign(own.bytes.begin(), own.bytes.end());
    cluster.restart(0);
  }
  const auto before = cluster.state(0);
  CHECK(code(cluster.store(1, 0, key, encode(record), shown).error) == Code::refused);
  CHECK(code(announce(cluster, 1, 0, key, Token::from(shown).value_or(Token{}))) == Code::refused);
  const auto after = cluster.state(0);
  CHECK(after.refused == before.refused + 2);
  CHECK(after.records == before.records);
  CHECK(after.announcements == before.announcements);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht store: a record that is no good is refused with the reason") {
  DhtCluster cluster(3);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const Token token = cluster.token(1, 0);
  const auto stored = [&](const Key& key, const base::Bytes& bytes) {
    const auto answer = cluster.store(1, 0, key, bytes, token.view());
    REQUIRE_FALSE(answer.error);
    CHECK(answer.result == Result::BAD);
    return answer.why;
  };
  CHECK(stored(key_of(record), {}) == "not a valid record");
  CHECK(stored(key_of(record), base::Bytes(100, 9)) == "not a valid record");
  CHECK(stored(key(1), encode(record)) == "the record belongs under another key");
  KvRecord forged = record;
  forged.value = bytes_of("other");
  CHECK(stored(key_of(record), encode(forged)) == "the record is not signed by its owner");
  KvRecord late = record;
  late.created = cluster.wall() - 100s;
  late.expires = cluster.wall() - 1s;
  CHECK(stored(key_of(record), encode(sign(cluster[1].identity->key(), late))) == "the record has expired");
  KvRecord early = record;
  early.created = cluster.wall() + 3'600s;
  early.expires = cluster.wall() + 7'200s;
  CHECK(stored(key_of(record), encode(sign(cluster[1].identity->key(), early))).find("future") != std::string::npos);
  KvRecord lasting = record;
  lasting.expires = lasting.created + kLifetimeMax + 1s;
  CHECK(stored(key_of(record), encode(sign(cluster[1].identity->key(), lasting))).find("seven days") !=
        std::string::npos);
  base::Bytes large(kValueBytesMax + 2, 7);
  large[0] = static_cast<std::uint8_t>(Space::cid);
  CHECK(stored(key_of_value(base::ByteView(large).subspan(1)), large).find("65,536") != std::string::npos);
  for (const std::size_t size : {0, 19, 21}) {
    const base::Bytes odd(size, 1);
    CHECK(code(cluster.ask_from<wire::Store, wire::StoreDone>(1, 0, [&](wire::Store::Builder order) {
            order.setToken(data_of(token.view()));
            order.setKey(data_of(odd));
            order.setRecord(data_of(encode(record)));
          })) == Code::malformed);
  }
  CHECK(cluster.state(0).records == 0);
}

TEST_CASE("dht store: an older record is refused with the one held, and another one of the same number too") {
  DhtCluster cluster(3);
  const auto store = [&](std::uint64_t sequence, std::string_view value, std::optional<std::uint64_t> expected = {}) {
    return cluster.store(1, 0, cluster.signed_by(1, sequence, value), expected);
  };
  CHECK(store(7, "seven").result == Result::STORED);
  CHECK(store(7, "seven").result == Result::STORED);
  const auto older = store(6, "six");
  CHECK(older.result == Result::OLDER);
  CHECK(older.present == 7);
  // Of two with one number all nodes keep the same one, whichever comes first.
  const Record one = cluster.signed_by(1, 7, "seven"), other = cluster.signed_by(1, 7, "another");
  const auto tied = store(7, "another");
  const bool wins = newer(other, one);
  CHECK(tied.result == (wins ? Result::STORED : Result::TIED));
  if (!wins) CHECK(tied.present == 7);
  const auto conflict = store(9, "nine", 6);
  CHECK(conflict.result == Result::CONFLICT);
  CHECK(conflict.present == 7);
  CHECK(store(9, "nine", 7).result == Result::STORED);
  CHECK(store(9, "nine", 7).result == Result::STORED);  // its answer was lost, so it comes again
  CHECK(cluster.state(0).records == 1);
}

TEST_CASE("dht store: a client holds nothing for others, and keeps what its own actors store") {
  DhtCluster cluster(3, [](std::size_t i, ClusterNode& member) {
    if (i == 2) member.settings.endpoint = {};
  });
  const Record record = CidRecord{bytes_of("hello")};
  const Key key = key_of(record);
  REQUIRE(cluster.state(2).client);
  CHECK(code(cluster.store(1, 2, record).error) == Code::refused);
  CHECK(code(announce(cluster, 1, 2, key, cluster.token(1, 2))) == Code::refused);
  CHECK(cluster.state(2).records == 0);
  CHECK(cluster.state(2).announcements == 0);
  CHECK(cluster.state(2).refused == 2);
  CHECK(cluster[2].accused.empty());

  CHECK_FALSE(cluster.put(2, Space::cid, "", "of the client").error);
  CHECK_FALSE(cluster.store(1, 0, record).error);  // who can be dialled holds it
}

TEST_CASE("dht store: somebody else's contact is not listed, and a client's neither") {
  DhtCluster cluster(4, [](std::size_t i, ClusterNode& member) {
    if (i == 3) member.knows.clear();
  });
  REQUIRE_FALSE(cluster.lists(0, 3));
  const auto ping_with = [&](std::size_t from, const DhtSettings& shown) {
    CHECK_FALSE(
        cluster.ask_from<wire::Ping, wire::Pong>(from, 0, [&](auto ping) { write_asker(ping.initAsker(), shown); }));
    cluster.stage.run_for(10s);
  };
  ping_with(1, cluster[3].settings);
  CHECK_FALSE(cluster.lists(0, 3));
  auto client = cluster[3].settings;
  client.endpoint = {};
  ping_with(3, client);
  CHECK_FALSE(cluster.lists(0, 3));
  auto elsewhere = cluster[3].settings;  // nobody answers there
  elsewhere.endpoint.port = 4'001;
  ping_with(3, elsewhere);
  CHECK_FALSE(cluster.lists(0, 3));
  ping_with(3, cluster[3].settings);
  CHECK(cluster.lists(0, 3));
}

TEST_CASE("dht store: only who can be dialled is taken as a provider, and only under its own name") {
  DhtCluster cluster(3);
  const Token token = cluster.token(1, 0);
  const auto announced = [&](const DhtSettings& shown) {
    return code(cluster.ask_from<wire::AddProvider, wire::Added>(1, 0, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), shown);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(key(5).view()));
    }));
  };
  CHECK(announced(cluster[2].settings) == Code::malformed);
  auto client = cluster[1].settings;
  client.endpoint = {};
  CHECK(announced(client) == Code::malformed);
  auto loopback = cluster[1].settings;  // which means another machine here
  loopback.endpoint = *base::Endpoint::parse("127.0.0.1:4000");
  CHECK(announced(loopback) == Code::malformed);
  CHECK(cluster.state(0).announcements == 0);
  CHECK_FALSE(announced(cluster[1].settings));
  CHECK(cluster.state(0).announcements == 1);
}

TEST_CASE("dht store: what was acknowledged is there after its node broke or died") {
  DhtCluster cluster(3);
  const Record records[] = {cluster.signed_by(1, 7, "seven"), CidRecord{bytes_of("bytes")},
                            CidRecord{base::Bytes(kValueBytesMax, 7)}, cluster.signed_by(1, 1, "", "empty")};
  for (const Record& one : records) REQUIRE(cluster.store(1, 0, one).result == Result::STORED);
  REQUIRE_FALSE(announce(cluster, 2, 0, key(5), cluster.token(2, 0)));
  SUBCASE("its DHT broke") {
    cluster.break_at(0, "/dht");
    cluster.ask<wire::GetTable, wire::TableRows>(0, [](auto) {});
    cluster.stage.run_for(5s);
    CHECK(cluster.failures().size() == 1);
  }
  SUBCASE("it died") { cluster.restart(0); }
  CHECK(cluster.state(0).records == std::size(records));
  CHECK(cluster.state(0).announcements == 1);
  for (const Record& one : records) CHECK(cluster.held(1, 0, space_of(one), key_of(one)) == text(encode(one)));
  CHECK(rows_in(cluster, 0, kRecordRows) == std::size(records));
  CHECK(rows_in(cluster, 0, kProviderRows) == 1);
}

TEST_CASE("dht store: rows that somebody else wrote are not believed, and erased") {
  DhtCluster cluster(2);
  const KvRecord good = cluster.signed_by(1, 7, "seven");
  REQUIRE(cluster.store(1, 0, good).result == Result::STORED);
  const auto offer = admit(encode(good), key_of(good), cluster[1].id(), cluster.wall(), 0);
  REQUIRE(offer.ok());
  std::vector<store::Row> bad;
  const store::Row row = row_of(offer.value(), cluster.wall());
  bad.push_back({row_key({Space::kv, key(1)}), row.value});  // under another key
  bad.push_back({row_key({Space::pk, key_of(good)}), row.value});
  bad.push_back({{1, 2, 3}, row.value});
  bad.push_back({row_key({Space::kv, key(2)}), {}});
  bad.push_back({row_key({Space::kv, key(3)}), base::Bytes(200, 9)});
  KvRecord other = cluster.signed_by(1, 8, "eight", "forged");
  other.value = bytes_of("other");
  Offer forged = offer.value();
  forged.place = {Space::kv, key_of(other)};
  forged.encoded = encode(other);
  bad.push_back(row_of(forged, cluster.wall()));
  write_rows(cluster, 0, kRecordRows, bad);
  write_rows(cluster, 0, kProviderRows, {{{1, 2}, {3}}, {base::Bytes(40, 1), base::Bytes(kProviderRowBytes, 1)}});
  cluster.restart(0);
  CHECK(cluster.state(0).records == 1);
  CHECK(cluster.state(0).announcements == 0);
  CHECK(cluster.held(1, 0, Space::kv, key_of(good)) == text(encode(good)));
  CHECK(rows_in(cluster, 0, kRecordRows) == 1);
  CHECK(rows_in(cluster, 0, kProviderRows) == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht store: more rows than come in one slice are all read back") {
  DhtCluster cluster(2);
  std::vector<store::Row> rows;
  for (int i = 0; i < 1'300; ++i) {
    const CidRecord record{bytes_of("value " + std::to_string(i))};
    const auto offer = admit(encode(record), key_of(record), cluster[1].id(), cluster.wall(), 0);
    rows.push_back(row_of(offer.value(), cluster.wall()));
  }
  write_rows(cluster, 0, kRecordRows, rows);
  cluster.restart(0);
  CHECK(cluster.state(0).records == 1'300);
  CHECK(rows_in(cluster, 0, kRecordRows) == 1'300);
}
