// What is found of rows that are read back: whose they are, and whether they are any good.
#include "actors/dht/logic/audit.hpp"

#include <doctest/doctest.h>

#include "actors/dht/logic/row_summary.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

namespace {

const base::NodeId kFrom = key(9);

store::Row record_row(const Record& record, base::WallTime stored_at = kWall) {
  const base::Bytes encoded = encode(record);
  const auto offer = admit(encoded, key_of(record), kFrom, kWall, 0);
  CHECK(offer.ok());
  return row_of(offer.value(), stored_at);
}
JudgedRow judged(std::string_view keyspace, const store::Row& row, base::WallTime wall = kWall) {
  return judge(keyspace, row.key, row.value, wall, {});
}
RowState state(const store::Row& row, base::WallTime wall = kWall) { return judged(kRecordRows, row, wall).state; }

Contact provider(std::uint8_t first) {
  base::PublicKey public_key;
  public_key.bytes[0] = first;
  return {crypto::node_id(public_key, 0), {public_key, 0, *base::Endpoint::parse("10.1.2.3:4000")}};
}
store::Row announcement(const Key& of, const Contact& who, base::WallTime wall = kWall) {
  Providers providers(base::NodeId{}, {}, {}, 0);
  return providers.add(of, who, wall).value().rows.save.at(0);
}

}  // namespace

TEST_CASE("dht audit: a record is sound until its time is over, and belongs to one space and owner") {
  const JudgedRow kept = judged(kRecordRows, record_row(kv()));
  CHECK(kept.state == RowState::sound);
  CHECK(kept.space == AuditSpace::kv);
  CHECK(kept.tag == tag_of(encode(kv())));
  CHECK(kept.owner == Owner::from(kv().owner.view().first(20)));
  CHECK(kept.counted == encode(kv()).size());
  CHECK(state(record_row(kv()), kWall + kLifetimeDefault) == RowState::expired);
  CHECK(judged(kRecordRows, record_row(cid())).owner == Owner::from(kFrom.view()));
  CHECK(judged(kRecordRows, record_row(cid())).space == AuditSpace::cid);
  CHECK(state(record_row(cid()), kWall + 48h - 1ns) == RowState::sound);
  CHECK(state(record_row(cid()), kWall + 48h) == RowState::expired);
  CHECK(judged(kRecordRows, record_row(PkRecord{secret_key(1).public_key(), 0})).space == AuditSpace::pk);
  // A clock that was set back makes nothing come from the future.
  CHECK(state(record_row(kv()), kWall - 24h) == RowState::sound);
}

TEST_CASE("dht audit: each way in which a row of a record is no good has its name") {
  store::Row row = record_row(kv());
  SUBCASE("another version") {
    row.value[0] = 2;
    CHECK(state(row) == RowState::unreadable);
  }
  SUBCASE("a row that was cut") {
    for (const std::size_t size : {20, 8, 0}) {
      row.value.resize(size);
      CHECK(state(row) == RowState::unreadable);
    }
  }
  SUBCASE("a key that was cut") {
    row.key.pop_back();
    CHECK(state(row) == RowState::unreadable);
  }
  SUBCASE("a space that does not exist") {
    row.key[0] = 4;
    CHECK(state(row) == RowState::unreadable);
  }
  SUBCASE("under another key") {
    row.key[5] ^= 1;
    CHECK(state(row) == RowState::misplaced);
  }
  SUBCASE("in another space") {
    row.key[0] = 3;
    CHECK(is_trouble(state(row)));
  }
  SUBCASE("with another value than was signed") {
    row.value[row.value.size() - 65] ^= 1;  // the last byte before the signature
    CHECK(state(row) == RowState::forged);
  }
  SUBCASE("a value under another hash") {
    row = record_row(cid());
    row.value.back() ^= 1;
    CHECK(state(row) == RowState::misplaced);
  }
}

TEST_CASE("dht audit: an announcement is that of the node that it names") {
  const store::Row good = announcement(key(1), provider(1));
  CHECK(judged(kProviderRows, good).state == RowState::sound);
  CHECK(judged(kProviderRows, good).space == AuditSpace::providers);
  CHECK(judged(kProviderRows, good, kWall + 48h).state == RowState::expired);
  store::Row row = good;
  row.key.back() ^= 1;
  CHECK(judged(kProviderRows, row).state == RowState::misplaced);
  row.key.pop_back();
  CHECK(judged(kProviderRows, row).state == RowState::unreadable);
  CHECK(judge(kProviderRows, good.key, good.value, kWall, {.work_bits = 30}).state == RowState::forged);
}

TEST_CASE("dht audit: what this node has published is its record, its announcement, or a note of the sweep") {
  Republish republish({}, kWall);
  const auto published = [&](const Item& item, const base::Bytes& payload) {
    return judged(kPublishedRows, republish.add(item, payload, kWall).value()).state;
  };
  const Item orders{key_of(kv()), Published::kv};
  CHECK(published(orders, encode(kv())) == RowState::sound);
  CHECK(published({key(1), Published::provider}, {}) == RowState::sound);
  CHECK(published({key(1), Published::provider}, {1}) == RowState::unreadable);
  CHECK(published({key(1), Published::kv}, encode(kv())) == RowState::misplaced);
  CHECK(published({key_of(cid()), Published::kv}, encode(cid())) == RowState::misplaced);
  CHECK(published({key(2), Published::kv}, {1, 2, 3}) == RowState::unreadable);
  CHECK(judged(kPublishedRows, {{9}, {}}).state == RowState::unreadable);
  CHECK(judge(kPublishedRows, Republish::row_key(orders), encode(kv()), kWall + kLifetimeDefault, {}).state ==
        RowState::expired);
  // Our own, from before the clock was set back.
  CHECK(judge(kPublishedRows, Republish::row_key(orders), encode(kv()), kWall - 24h, {}).state == RowState::sound);
  REQUIRE(republish.next(kWall + 22h));
  const store::Row cursor = republish.done(kWall + 22h).save.at(0),
                   scarce = republish.add_under_replicated(orders, kWall).save.at(0);
  Audit audit({});
  for (const store::Row& note : {cursor, scarce}) {
    CHECK(judged(kPublishedRows, note).state == RowState::sound);
    // Which is sound, and nothing that anybody has published.
    audit.read(judged(kPublishedRows, note), note.key, note.key.size() + note.value.size());
  }
  CHECK(audit.sums(AuditSpace::published).rows == 0);
  CHECK(audit.sums(AuditSpace::published).bytes == 0);
}

TEST_CASE("dht audit: rows are summed by space, and what is above a limit is named") {
  AuditTerms terms;
  terms.held.owner_records_max = 1;
  terms.held.space_bytes_max[2] = 3;
  terms.providers.per_key_max = 1;
  Audit audit(terms);
  const auto read = [&](std::string_view keyspace, const store::Row& row) {
    audit.read(judged(keyspace, row), row.key, row.key.size() + row.value.size());
  };
  CHECK(audit.over_limits().empty());
  read(kRecordRows, record_row(kv()));
  read(kRecordRows, record_row(cid("")));
  read(kProviderRows, announcement(key(1), provider(1)));
  CHECK(audit.over_limits().empty());
  CHECK(audit.sums(AuditSpace::kv).rows == 1);
  CHECK(audit.sums(AuditSpace::kv).bytes > encode(kv()).size());
  CHECK(audit.sums(AuditSpace::pk).rows == 0);

  read(kRecordRows, record_row(cid("hello")));
  read(kProviderRows, announcement(key(1), provider(2)));
  const auto over = audit.over_limits();
  REQUIRE(over.size() == 3);
  CHECK(over[0].space == AuditSpace::cid);
  CHECK(over[0].whose.empty());
  CHECK(over[1].whose == base::Bytes(kFrom.view().begin(), kFrom.view().end()));
  CHECK(over[2].space == AuditSpace::providers);
  const Key full = key(1);
  CHECK(over[2].whose == base::Bytes(full.view().begin(), full.view().end()));

  audit.trouble(AuditSpace::kv);
  audit.removed(AuditSpace::kv, 100);
  CHECK(audit.sums(AuditSpace::kv).troubles == 1);
  CHECK(audit.sums(AuditSpace::kv).removed_bytes == 100);
  CHECK(audit.rows() == 5);
}

TEST_CASE("dht audit: a row says what it is about, by itself") {
  const store::Row signed_row = record_row(kv());
  const auto bytes = [](base::ByteView of) { return base::Bytes(of.begin(), of.end()); };
  const auto said = summary_of(kRecordRows, signed_row.key, signed_row.value, 48h).value();
  CHECK(said.space == AuditSpace::kv);
  CHECK(said.key == bytes(key_of(kv()).view()));
  CHECK(said.sequence == kv().sequence);
  CHECK(said.name == kv().name);
  CHECK(said.value_bytes == kv().value.size());
  CHECK(said.expires == std::min(kv().expires, kWall + 48h));
  CHECK(summary_of(kRecordRows, signed_row.key, signed_row.value, 1h)->expires == kWall + 1h);

  const store::Row hashed = record_row(cid());
  CHECK(summary_of(kRecordRows, hashed.key, hashed.value, 48h)->key == bytes(crypto::sha256(cid().value).view()));

  const store::Row announced = announcement(key(3), provider(7));
  const auto who = summary_of(kProviderRows, announced.key, announced.value, 48h).value();
  CHECK(who.what == Published::provider);
  CHECK(who.whose == bytes(provider(7).id.view()));

  const base::Bytes item = Republish::row_key({key_of(kv()), Published::kv});
  const auto published = summary_of(kPublishedRows, item, encode(kv()), 48h).value();
  CHECK(published.space == AuditSpace::published);
  CHECK(published.what == Published::kv);

  for (const std::string_view keyspace : kAuditedKeyspaces) {
    CHECK_FALSE(summary_of(keyspace, {}, {}, 48h));
    CHECK_FALSE(summary_of(keyspace, signed_row.key, base::Bytes(30, 0xff), 48h));
  }
}
