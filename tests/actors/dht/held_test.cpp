// What a node holds: which record stays, and until when.
#include "tests/actors/dht/offers.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

TEST_CASE("dht held: a newer sequence replaces, an older one is refused with the present one") {
  Held held = held_with();
  CHECK(stored(held, admitted(kv(7))) == StoredAs::added);
  CHECK(stored(held, admitted(kv(7))) == StoredAs::refreshed);
  CHECK(stored(held, admitted(kv(8))) == StoredAs::replaced);
  const StoreRefused older = refused(held, admitted(kv(7)));
  CHECK(older.why == StoreError::older);
  CHECK(older.present == 8);
  CHECK(held.find(kOrders, kWall)->sequence == 8);
  CHECK(held.use().records == 1);

  SUBCASE("a planted bug that takes an older one is visible") {
    const Planted bug("dht.held_takes_older");
    Held broken(kOwn, {}, Values::on_disk, 0, bug);
    stored(broken, admitted(kv(8)));
    CHECK(stored(broken, admitted(kv(7))) == StoredAs::replaced);
  }
}

TEST_CASE("dht held: what was replaced does not come back when the newer one ends first") {
  const auto lasting = [](std::uint64_t sequence, std::chrono::minutes lasts) {
    KvRecord out = unsigned_kv(sequence);
    out.expires = kWall + lasts;
    return admitted(sign(secret_key(1), out));
  };
  const Offer week = lasting(7, 7 * 24h), minutes = lasting(8, 10min);
  Held held = held_with();
  REQUIRE(stored(held, week) == StoredAs::added);
  REQUIRE(stored(held, minutes) == StoredAs::replaced);
  const auto again = [&](const Offer& what, base::WallTime wall) { return held.store(what, {}, wall); };
  for (const auto later : {11min, 60min, 7 * 24 * 60min - 1min}) {
    const auto back = again(week, kWall + later);
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().why == StoreError::older);
    CHECK(back.error().present == 8);
  }
  CHECK_FALSE(held.find(kOrders, kWall + 11min));

  SUBCASE("a newer one comes, and ends first too") {
    CHECK(again(lasting(9, 20min), kWall + 11min).ok());
    CHECK(again(week, kWall + 30min).error().present == 9);
    CHECK(again(lasting(8, 60min), kWall + 30min).error().present == 9);
  }
  SUBCASE("a newer one that lasts as long leaves nothing to be remembered") {
    CHECK(again(lasting(9, 7 * 24h), kWall + 11min).ok());
    held.forget(kOrders);
    CHECK(again(minutes, kWall + 5min).ok());
  }
  SUBCASE("the same one is not older") { CHECK(again(minutes, kWall + 5min).ok()); }
}

TEST_CASE("dht held: so many places remember what was replaced, the nearest") {
  Held held = held_with();
  const auto put = [&](int place, std::uint64_t sequence, std::chrono::minutes lasts, base::WallTime wall) {
    Offer what = offer(0, 10, Space::kv);
    what.place.key = key(place / 256, place % 256);
    what.owner.bytes[1] = static_cast<std::uint8_t>(place / 256);
    what.from.bytes[1] = static_cast<std::uint8_t>(place / 256);
    what.sequence = sequence;
    what.encoded.push_back(static_cast<std::uint8_t>(sequence));
    what.tag = tag_of(what.encoded);
    what.expires = kWall + lasts;
    return held.store(what, {}, wall).ok();
  };
  const int places = static_cast<int>(kOutlivedMax) + 1;
  for (int i = 0; i < places; ++i) {
    REQUIRE(put(i, 1, 48h, kWall));
    REQUIRE(put(i, 2, 10min, kWall));
  }
  while (held.sweep(kWall + 11min).erase.size() == kSweptMax) {
  }
  CHECK_FALSE(put(0, 1, 48h, kWall + 11min));
  CHECK_FALSE(put(places - 2, 1, 48h, kWall + 11min));
  CHECK(put(places - 1, 1, 48h, kWall + 11min));
}

TEST_CASE("dht held: of two records with one sequence the same one stays, whichever came first") {
  const Record a = kv(7, "a"), b = kv(7, "b");
  const Record& winner = newer(a, b) ? a : b;
  const Record& loser = newer(a, b) ? b : a;
  Held first = held_with();
  stored(first, admitted(winner));
  CHECK(refused(first, admitted(loser)).why == StoreError::lost_tie);
  Held second = held_with();
  stored(second, admitted(loser));
  CHECK(stored(second, admitted(winner)) == StoredAs::replaced);
  CHECK(first.find(kOrders, kWall)->tag == second.find(kOrders, kWall)->tag);
}

// Source: BEP 44, "CAS".
TEST_CASE("dht held: of two writers that expect the same sequence one meets a conflict") {
  Held held = held_with();
  SUBCASE("nothing is held: nothing is expected") { CHECK(held.store(admitted(kv(7)), 3, kWall).ok()); }
  SUBCASE("the sequence that is held") {
    stored(held, admitted(kv(7)));
    REQUIRE(held.store(admitted(kv(8, "ann")), 7, kWall).ok());
    const StoreRefused late = refused(held, admitted(kv(8, "bob")), 7);
    CHECK(late.why == StoreError::conflict);
    CHECK(late.present == 8);
    CHECK(held.store(admitted(kv(9, "bob")), 8, kWall).ok());
  }
  SUBCASE("a store that is repeated because its answer was lost succeeds again") {
    stored(held, admitted(kv(7)));
    REQUIRE(held.store(admitted(kv(8)), 7, kWall).ok());
    CHECK(held.store(admitted(kv(8)), 7, kWall).ok());
  }
  SUBCASE("what has expired is not there to be expected") {
    stored(held, admitted(kv(7)));
    KvRecord later = unsigned_kv(3);
    later.created = kWall + 50h;
    later.expires = kWall + 60h;
    CHECK(held.store(admitted(sign(secret_key(1), later), kWall + 50h), 1, kWall + 50h).ok());
  }
}

TEST_CASE("dht held: what has expired is never served, swept or not") {
  Held held = held_with();
  stored(held, admitted(cid()));
  const RecordKey place{Space::cid, key_of(cid())};
  CHECK(held.wake_at() == kWall + 48h);
  CHECK(held.sweep(kWall + 48h - 1ns).empty());
  CHECK(held.read(place, kWall + 48h - 1ns));
  CHECK_FALSE(held.read(place, kWall + 48h));
  CHECK_FALSE(held.find(place, kWall + 48h));
  const RowChange swept = held.sweep(kWall + 48h);
  CHECK(swept.erase == std::vector<base::Bytes>{row_key(place)});
  CHECK(held.use().records == 0);
  CHECK_FALSE(held.wake_at());

  SUBCASE("a planted bug that serves it is visible") {
    const Planted bug("dht.held_serves_expired");
    Held broken(kOwn, {}, Values::on_disk, 0, bug);
    stored(broken, admitted(cid()));
    CHECK(broken.find(place, kWall + 48h));
  }
}

TEST_CASE("dht held: a store lengthens the life, and writes a row once that is worth it") {
  Held held = held_with();
  stored(held, offer(1));
  const auto again = [&](std::chrono::seconds after) { return held.store(offer(1), {}, kWall + after).value().rows; };
  CHECK(again(59min).empty());
  CHECK(held.find(offer(1).place, kWall)->expires == kWall + 48h);
  CHECK(again(1h).save.size() == 1);
  CHECK(held.find(offer(1).place, kWall)->expires == kWall + 49h);
  CHECK(again(1min).empty());

  SUBCASE("a clock that was ahead leaves no end in the future") {
    CHECK(again(100h).save.size() == 1);
    CHECK(again(1h).save.size() == 1);
    CHECK(held.find(offer(1).place, kWall)->expires == kWall + 49h);
    CHECK(held.wake_at() == kWall + 49h);
  }
  SUBCASE("by another node it still counts for the first") {
    CHECK(held.store(by(kBob, offer(1)), {}, kWall + 5h).value().rows.save ==
          std::vector{row_of(offer(1), kWall + 5h)});
  }
  SUBCASE("a /kv not beyond its own end") {
    stored(held, admitted(kv()));
    CHECK(held.store(admitted(kv()), {}, kWall + 20h).value().rows.empty());
    CHECK(held.find(kOrders, kWall)->expires == kWall + kLifetimeDefault);
  }
}

TEST_CASE("dht held: what is held for a short time is renewed before it ends") {
  HeldLimits limits;
  limits.hold = 1h;
  Held held = held_with(limits);
  stored(held, offer(1));
  CHECK(held.store(offer(1), {}, kWall + 2min).value().rows.empty());
  CHECK(held.store(offer(1), {}, kWall + 30min).value().rows.save.size() == 1);
  CHECK(held.find(offer(1).place, kWall + 89min));
}

TEST_CASE("dht held: while the date is not believed nothing is dropped for its age, and none of it is served") {
  Held held = held_with();
  const Offer kept = admitted(kv());
  const store::Row row = held.store(kept, {}, kWall).value().rows.save.at(0);
  const base::WallTime later = kWall + 1'000h;
  held.treat(Expired::kept);
  CHECK(held.sweep(later).empty());
  CHECK_FALSE(held.wake_at());
  CHECK(held.store(offer(1), {}, later).value().rows.erase.empty());
  CHECK_FALSE(held.find(kOrders, later));
  CHECK(held.find(kOrders, kWall));

  SUBCASE("nothing older takes its place") {
    CHECK(refused(held, admitted(kv(6))).why == StoreError::older);
    CHECK(held.store(admitted(kv(8)), 7, kWall).value().as == StoredAs::replaced);
  }
  SUBCASE("it is dropped once it is") {
    held.treat(Expired::dropped);
    CHECK(held.sweep(later).erase.size() == 1);
    CHECK_FALSE(held.find(kOrders, kWall));
  }
  SUBCASE("a row of which it says so is taken back, and not before") {
    Held after = held_with();
    CHECK(after.load(row.key, row.value, later).error() == RowError::expired);
    after.treat(Expired::kept);
    CHECK(after.load(row.key, row.value, later).ok());
    CHECK_FALSE(after.find(kOrders, later));
    CHECK(after.find(kOrders, kWall));
  }
}

TEST_CASE("dht held: what a clock far behind has read back is served and kept once the date is set right") {
  const RecordKey place{Space::cid, key_of(cid())};
  Held held = held_with();
  held.treat(Expired::kept);
  const base::WallTime behind = kWall - 1'000h;
  for (const Offer& one : {admitted(cid()), admitted(kv())}) {
    const store::Row row = row_of(one, kWall);
    REQUIRE(held.load(row.key, row.value, behind).ok());
  }
  // A store by such a clock ends nothing sooner.
  CHECK(held.store(admitted(cid()), {}, behind).value().rows.empty());
  held.treat(Expired::dropped);
  CHECK(held.sweep(kWall + 47h).empty());
  CHECK(held.find(place, kWall + 47h));
  CHECK(held.find(kOrders, kWall + 47h));
  CHECK(held.sweep(kWall + 48h).erase.size() == 2);
}

TEST_CASE("dht held: a value is read back once, and must be the one of the index") {
  HeldLimits limits;
  limits.cache_bytes_max = 0;
  SUBCASE("cached") {
    limits.cache_bytes_max = 1000;
    Held held = held_with(limits);
    const Offer what = admitted(kv());
    stored(held, what);
    CHECK(*held.read(kOrders, kWall)->encoded == what.encoded);
    held.forget(kOrders);
    CHECK_FALSE(held.read(kOrders, kWall));
  }
  SUBCASE("not cached") {
    Held held = held_with(limits);
    const Offer what = admitted(kv());
    const base::Bytes row = held.store(what, {}, kWall).value().rows.save[0].value;
    CHECK(held.read(kOrders, kWall)->encoded == nullptr);
    CHECK(held.loaded(kOrders, row, kWall).value() == what.encoded);
    CHECK(held.loaded(kOrders, row, kWall + 48h).error() == LoadedError::gone);
    CHECK(held.loaded(kOrders, row_of(admitted(kv(6)), kWall).value, kWall).error() == LoadedError::stale);
    CHECK(held.loaded(kOrders, row_of(admitted(cid()), kWall).value, kWall).error() == LoadedError::corrupt);
    CHECK(held.loaded(kOrders, base::ByteView(row).first(28), kWall).error() == LoadedError::corrupt);
    CHECK(held.loaded(kOrders, {}, kWall).error() == LoadedError::corrupt);
  }
}

TEST_CASE("dht held: in memory there are values and no rows") {
  Held held = held_with({}, Values::in_memory);
  const auto out = held.store(admitted(kv()), {}, kWall);
  REQUIRE(out.ok());
  CHECK(out.value().rows.empty());
  CHECK(*held.read(kOrders, kWall)->encoded == encode(kv()));
  CHECK(held.forget(kOrders).empty());
  CHECK_FALSE(held.read(kOrders, kWall));
}

TEST_CASE("dht held: rows come back after a restart, and hostile ones do not") {
  const store::Row row = row_of(admitted(kv()), kWall);
  Held held = held_with();
  const auto error = [&](const store::Row& what, base::WallTime wall = kWall) {
    const auto out = held.load(what.key, what.value, wall);
    REQUIRE_FALSE(out.ok());
    return out.error();
  };
  SUBCASE("as it was") {
    CHECK(held.load(row.key, row.value, kWall + 1h).ok());
    CHECK(held.find(kOrders, kWall)->expires == kWall + 48h);
    CHECK(error(row) == RowError::present);  // twice the same key
  }
  SUBCASE("expired meanwhile") { CHECK(error(row, kWall + 48h) == RowError::expired); }
  SUBCASE("under another key") { CHECK(error({row_key({Space::kv, key(1)}), row.value}) == RowError::corrupt); }
  SUBCASE("under another space") { CHECK(error({row_key({Space::cid, kOrders.key}), row.value}) == RowError::corrupt); }
  SUBCASE("any byte changed that matters") {
    for (std::size_t i = 29; i < row.value.size(); ++i) {
      store::Row bad = row;
      bad.value[i] ^= 1;
      CHECK(error(bad) == RowError::corrupt);
    }
  }
  SUBCASE("cut anywhere") {
    for (std::size_t i = 0; i < row.value.size(); ++i) {
      CHECK(error({row.key, base::Bytes(row.value.begin(), row.value.begin() + static_cast<std::ptrdiff_t>(i))}) ==
            RowError::corrupt);
    }
    CHECK(error({{}, row.value}) == RowError::corrupt);
  }
  SUBCASE("stored in the future: it lasts from now") {
    CHECK(held.load(row_key({Space::cid, key_of(cid())}), row_of(admitted(cid()), kWall + 1000h).value, kWall).ok());
    CHECK(held.find({Space::cid, key_of(cid())}, kWall)->expires == kWall + 48h);
  }
  SUBCASE("made in the future of a clock that was set back") {
    CHECK(held.load(row.key, row.value, kWall - 40h).ok());
    CHECK(held.find(kOrders, kWall - 40h)->expires == kWall + 8h);
  }
  SUBCASE("more than fits now") {
    HeldLimits limits;
    limits.records_max = 0;
    Held narrow = held_with(limits);
    CHECK(narrow.load(row.key, row.value, kWall).error() == RowError::full);
  }
}
