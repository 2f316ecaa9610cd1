// The sweep: every key once a period, in order, over restarts and failures.
#include <rapidcheck.h>

#include "tests/actors/dht/sweep.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

TEST_CASE("dht republish: what is published is listed by its sort, a page at a time") {
  Republish sweep({}, kWall);
  CHECK(sweep.keys(Published::provider, {}, 2).empty());
  for (const int first : {3, 1, 2}) REQUIRE(sweep.add(item(first), {}, kWall).ok());
  REQUIRE(sweep.add(item(1, 0, Published::kv), {}, kWall).ok());
  REQUIRE(sweep.add(item(4, 0, Published::cid), {}, kWall).ok());
  CHECK(sweep.keys(Published::provider, {}, 2) == std::vector{key(1), key(2)});
  CHECK(sweep.keys(Published::provider, key(2), 2) == std::vector{key(3)});
  CHECK(sweep.keys(Published::provider, key(3), 2).empty());
  CHECK(sweep.keys(Published::kv, {}, 2) == std::vector{key(1)});
}

TEST_CASE("dht republish: a key comes when as much of the period has passed as lies before it") {
  Republish sweep({}, kWall);
  CHECK_FALSE(sweep.wake_at());
  CHECK_FALSE(sweep.next(kWall));
  REQUIRE(sweep.add(item(0x80), {}, kWall).ok());
  REQUIRE(sweep.add(item(0x40), {}, kWall).ok());
  CHECK(sweep.late(kWall) == 0s);
  CHECK(sweep.wake_at() == kWall + kPeriod / 4);
  CHECK_FALSE(sweep.next(kWall + kPeriod / 4 - 1ns));
  CHECK(publish(sweep, kWall + kPeriod / 4) == std::vector{item(0x40)});
  CHECK(sweep.wake_at() == kWall + kPeriod / 2);
  CHECK(publish(sweep, kWall + kPeriod / 2) == std::vector{item(0x80)});
  CHECK(sweep.wake_at() == kWall + kPeriod / 4 + kPeriod);
  CHECK(sweep.remove(item(0x40)).erase.size() == 1);
  CHECK(sweep.remove(item(0x40)).empty());
  CHECK(sweep.wake_at() == kWall + kPeriod / 2 + kPeriod);
}

TEST_CASE("dht republish: keys of one region come together, as their number allows") {
  RepublishSettings settings;
  settings.region_items_max = 3;
  Republish sweep(settings, kWall);
  sweep.set_region_bits(8);
  for (const int second : {1, 2, 3, 4}) REQUIRE(sweep.add(item(0x40, second), {}, kWall).ok());
  REQUIRE(sweep.add(item(0x40, 3, Published::kv), {}, kWall).ok());
  REQUIRE(sweep.add(item(0x41), {}, kWall).ok());
  const base::WallTime wall = kWall + 12h;

  const auto first = sweep.next(wall);
  REQUIRE(first);
  CHECK(first->items.size() == 4);  // a key is not split
  CHECK(first->last == key(0x40, 3));
  CHECK_FALSE(sweep.next(wall));  // one at a time
  CHECK_FALSE(sweep.wake_at());
  sweep.done(wall);
  CHECK(publish(sweep, wall) == std::vector{item(0x40, 4)});
  CHECK(publish(sweep, wall) == std::vector{item(0x41)});
  CHECK_FALSE(sweep.next(wall));

  SUBCASE("bits beyond the limits are clamped") {
    sweep.set_region_bits(1000);
    sweep.set_region_bits(0);
    REQUIRE(sweep.add(item(0x48), {}, wall).ok());
    CHECK(sweep.next(wall + kPeriod)->items.size() == 4);  // 0x40 to 0x4f, cut
  }
}

TEST_CASE("dht republish: after a restart what became due meanwhile comes first, longest overdue first, and once") {
  Disk disk;
  Republish before({}, kWall);
  for (const int at : {0x20, 0x60, 0xa0, 0xe0}) save(disk, before.add(item(at), {}, kWall).value());
  CHECK(publish(before, kWall + 10h, &disk) == std::vector{item(0x20)});
  CHECK(publish(before, kWall + 10h, &disk) == std::vector{item(0x60)});

  SUBCASE("a short while") {
    Republish after = restarted(disk, kWall + 16h);
    CHECK(after.late(kWall + 16h) == 16h - kPeriod * 5 / 8);
    CHECK(publish(after, kWall + 16h) == std::vector{item(0xa0)});
    CHECK(after.late(kWall + 16h) == 0s);
    CHECK_FALSE(after.next(kWall + 16h));
    CHECK(after.wake_at() == kWall + kPeriod * 7 / 8);
  }
  SUBCASE("a week") {
    const base::WallTime wall = kWall + 7 * 24h;
    Republish after = restarted(disk, wall);
    CHECK(after.late(wall) > 0s);
    for (const int at : {0xa0, 0xe0, 0x20, 0x60}) CHECK(publish(after, wall) == std::vector{item(at)});
    CHECK(after.late(wall) == 0s);
    CHECK_FALSE(after.next(wall));
  }
  SUBCASE("the row of the cursor is lost: all come") {
    disk.erase(base::Bytes{0});
    Republish after = restarted(disk, kWall + 10h);
    for (const int at : {0x20, 0x60, 0xa0, 0xe0}) CHECK(publish(after, kWall + 10h) == std::vector{item(at)});
    CHECK_FALSE(after.next(kWall + 10h));
  }
  SUBCASE("while a region was under way: it comes again") {
    REQUIRE(before.next(kWall + 14h));
    CHECK(publish(*std::make_unique<Republish>(restarted(disk, kWall + 14h)), kWall + 14h) == std::vector{item(0xa0)});
  }
}

TEST_CASE("dht republish: what was published just before a restart is not overdue after it") {
  Disk disk;
  const base::WallTime wall = kWall + 5h;
  Republish before({}, kWall);
  save(disk, before.add(item(0x10), {}, wall).value());
  save(disk, before.cursor_row());
  save(disk, before.add(item(0xf0), {}, wall + 1s).value());
  Republish after = restarted(disk, wall + 2s);
  CHECK(after.late(wall + 2s) == 0s);
  CHECK_FALSE(after.next(wall + 2s));
}

TEST_CASE("dht republish: of two records of a name the newer one stays, whichever comes last") {
  const Item orders{key_of(kv()), Published::kv};
  const base::Bytes older = encode(kv(7)), newer = encode(kv(8));
  Republish sweep({}, kWall);
  REQUIRE(sweep.add(orders, older, kWall).ok());
  REQUIRE(sweep.add(orders, newer, kWall).ok());
  CHECK(sweep.add(orders, older, kWall).error() == PublishError::older);
  CHECK(sweep.add(orders, newer, kWall).ok());
  SUBCASE("after a restart too") {
    Republish after({}, kWall);
    REQUIRE(after.load(Republish::row_key(orders), newer, kWall).ok());
    CHECK(after.add(orders, older, kWall).error() == PublishError::older);
  }
  SUBCASE("a row that is read back late is older") {
    Republish after({}, kWall);
    REQUIRE(after.add(orders, newer, kWall).ok());
    REQUIRE(after.load(Republish::row_key(orders), older, kWall).ok());
    CHECK(after.add(orders, older, kWall).error() == PublishError::older);
  }
  SUBCASE("and says which number to go on from") {
    CHECK(sweep.sequence_max() == 8);
    CHECK(Republish({}, kWall).sequence_max() == 0);
  }
  SUBCASE("not once it was withdrawn") {
    sweep.remove(orders);
    CHECK(sweep.sequence_max() == 0);
    CHECK(sweep.add(orders, older, kWall).ok());
  }
}

TEST_CASE("dht republish: what comes while rows are read back skips nothing that is overdue") {
  Disk disk;
  Republish before({}, kWall);
  for (const int at : {0x20, 0x60}) save(disk, before.add(item(at), {}, kWall).value());
  CHECK(publish(before, kWall + 1h).empty());
  CHECK(publish(before, kWall + 3h, &disk) == std::vector{item(0x20)});
  const base::WallTime wall = kWall + 12h;
  Republish after({}, wall);
  after.await_rows();
  const auto load = [&](const base::Bytes& row_key) { return after.load(row_key, disk.at(row_key), wall); };
  REQUIRE(load({0}).ok());  // the cursor, which is the first row
  save(disk, after.add(item(0xf0), {}, wall).value());
  for (const int at : {0x20, 0x60}) REQUIRE(load(Republish::row_key(item(at))).ok());
  CHECK(after.rows_read(kWall).empty());
  CHECK(publish(after, wall) == std::vector{item(0x60)});
  CHECK_FALSE(after.next(wall));
}

TEST_CASE("dht republish: what is withdrawn while rows are read back stays away") {
  Disk disk;
  Republish before({}, kWall);
  for (const int at : {0x20, 0x60}) save(disk, before.add(item(at), {}, kWall).value());
  Republish after({}, kWall);
  after.await_rows();
  CHECK(after.remove(item(0x20)).erase.size() == 2);  // its own row, and that it is under-replicated
  const base::Bytes row_key = Republish::row_key(item(0x20));
  SUBCASE("a slice that was read before has it still") {
    CHECK(after.load(row_key, disk.at(row_key), kWall).error() == RowError::expired);
    CHECK(after.items() == 0);
  }
  SUBCASE("unless it was published again") {
    REQUIRE(after.add(item(0x20), {}, kWall).ok());
    CHECK(after.load(row_key, disk.at(row_key), kWall).ok());
    CHECK(after.items() == 1);
  }
  CHECK(after.rows_read(kWall).empty());
  CHECK(after.load(row_key, disk.at(row_key), kWall).ok());
}

TEST_CASE("dht republish: a region that failed is tried again while the sweep goes on") {
  Disk disk;
  Republish sweep({}, kWall);
  save(disk, sweep.add(item(0x40), {}, kWall).value());
  save(disk, sweep.add(item(0x80), {}, kWall).value());
  const base::WallTime wall = kWall + 11h;
  REQUIRE(sweep.next(wall));
  save(disk, sweep.failed({item(0x40)}, wall));
  CHECK(sweep.retries() == 1);
  CHECK(publish(sweep, wall, &disk) == std::vector{item(0x80)});
  CHECK(sweep.late(wall) == 11h - kPeriod / 4);
  CHECK(sweep.wake_at() == wall + 1min);

  SUBCASE("it succeeds") {
    CHECK_FALSE(sweep.next(wall + 1min - 1ns));
    CHECK(publish(sweep, wall + 1min) == std::vector{item(0x40)});
    CHECK(sweep.late(wall + 1min) == 0s);
    CHECK(sweep.retries() == 0);
  }
  SUBCASE("it fails again and again: the time between doubles up to its limit") {
    base::WallTime at = wall;
    for (const auto wait : {1min, 2min, 4min, 8min, 16min, 30min, 30min}) {
      CHECK(sweep.wake_at() == at + wait);
      at = at + wait;
      REQUIRE(sweep.next(at));
      sweep.failed({item(0x40)}, at);
    }
  }
  SUBCASE("a restart remembers it") {
    Republish after = restarted(disk, wall);
    CHECK(publish(after, wall) == std::vector{item(0x40)});
  }
  SUBCASE("it was removed meanwhile") {
    sweep.remove(item(0x40));
    CHECK_FALSE(sweep.next(wall + 1min));
    CHECK(sweep.retries() == 0);
  }
  SUBCASE("of a region that alone which failed comes again") {
    Republish other({}, kWall);
    for (const int second : {0, 1, 2, 3}) REQUIRE(other.add(item(0x40, second), {}, kWall).ok());
    REQUIRE(other.next(wall));
    other.failed({item(0x40, 1), item(0x40, 2)}, wall);
    REQUIRE(other.add(item(0x40, 4), {}, wall).ok());
    const auto region = other.next(wall + 1min);
    REQUIRE(region);
    CHECK(region->items == std::vector{item(0x40, 1), item(0x40, 2)});
    other.failed({item(0x40, 2)}, wall + 1min);
    CHECK(publish(other, wall + 3min) == std::vector{item(0x40, 2)});
    CHECK(other.retries() == 0);
  }
  SUBCASE("the sweep comes round to it before") {
    RepublishSettings slow;
    slow.retry_min = slow.retry_max = 30h;
    Republish idle(slow, kWall);
    REQUIRE(idle.add(item(0x40), {}, kWall).ok());
    REQUIRE(idle.next(wall));
    idle.failed({item(0x40)}, wall);
    CHECK(publish(idle, kWall + kPeriod + kPeriod / 4) == std::vector{item(0x40)});
    CHECK(idle.retries() == 0);
  }
}

TEST_CASE("dht republish: with too many failures the sweep waits, and forgets none") {
  RepublishSettings settings;
  settings.retries_max = 2;
  Republish sweep(settings, kWall);
  for (const int at : {0x10, 0x30, 0x50, 0x70}) REQUIRE(sweep.add(item(at), {}, kWall).ok());
  const base::WallTime wall = kWall + 11h;
  for (int i = 0; i < 3; ++i) {
    const auto region = sweep.next(wall);
    REQUIRE(region);
    sweep.failed({region->items.begin(), region->items.end()}, wall);
  }
  CHECK(sweep.retries() == 2);
  CHECK_FALSE(sweep.next(wall));
  std::set<Item> seen;
  for (int i = 0; i < 4; ++i) {
    for (const Item& each : publish(sweep, wall + 1min)) seen.insert(each);
  }
  CHECK(seen.size() == 4);
}

TEST_CASE("dht republish: a clock that is set back or ahead moves the sweep by a period at most") {
  Republish sweep({}, kWall);
  REQUIRE(sweep.add(item(0x40), {}, kWall).ok());
  CHECK(publish(sweep, kWall + 6h).size() == 1);
  SUBCASE("back by years") {
    const base::WallTime wall = kWall - 10'000h;
    (void)sweep.next(wall);
    CHECK(*sweep.wake_at() <= wall + kPeriod);
  }
  SUBCASE("ahead by years") {
    const base::WallTime wall = kWall + 10'000h;
    CHECK(publish(sweep, wall).size() == 1);
    CHECK_FALSE(sweep.next(wall));
    CHECK(*sweep.wake_at() <= wall + kPeriod);
  }
}

TEST_CASE("dht republish: what is added late in a cycle is not overdue") {
  Republish sweep({}, kWall);
  REQUIRE(sweep.add(item(0xf0), {}, kWall).ok());
  REQUIRE(sweep.add(item(0x40), {}, kWall + 15h).ok());
  CHECK(sweep.late(kWall + 15h) == 0s);
  CHECK_FALSE(sweep.next(kWall + 15h));
  sweep.remove(item(0xf0));
  CHECK(sweep.wake_at() == kWall + kPeriod + kPeriod / 4);
}

TEST_CASE("dht republish: rows say what they are, and hostile ones are refused") {
  Republish sweep({}, kWall);
  const auto corrupt = [&](const base::Bytes& row_key, const base::Bytes& row) {
    const auto out = sweep.load(row_key, row, kWall);
    return !out.ok() && out.error() == RowError::corrupt;
  };
  const store::Row row = sweep.add(item(1, 0, Published::kv), base::as_bytes("record"), kWall).value();
  CHECK(base::hex(row.key) ==
        "02"
        "0100000000000000000000000000000000000000");
  CHECK(row.value == bytes_of("record"));
  REQUIRE(sweep.next(kWall + 2h));
  const store::Row cursor = sweep.done(kWall + 2h).save.at(0);
  CHECK(base::hex(cursor.key) == "00");
  CHECK(base::hex(cursor.value) ==
        "0100d2496b00000000"
        "1000000000000000000000000000000000000000");
  CHECK(sweep.load(cursor.key, cursor.value, kWall).ok());
  CHECK(corrupt({}, {}));
  CHECK(corrupt({0}, {}));
  CHECK(corrupt({0}, base::Bytes(28, 1)));
  CHECK(corrupt({0}, base::Bytes(30, 1)));
  CHECK(corrupt({0}, base::Bytes(29, 0xff)));
  CHECK(corrupt({0, 0}, cursor.value));
  CHECK(corrupt(base::Bytes(20, 1), {}));
  CHECK(corrupt(base::Bytes(21, 0), {}));
  CHECK(corrupt(base::Bytes(21, 5), {}));
  CHECK(corrupt(base::Bytes(21, 0x80), {}));
  CHECK(corrupt(base::Bytes(21, 0x84), {}));  // of an item that is not there
  CHECK(corrupt(base::Bytes(21, 0x85), {}));
  CHECK(corrupt(base::Bytes(22, 1), {}));
  CHECK(sweep.load(base::Bytes(21, 4), {}, kWall).ok());
  base::Bytes under_replicated(21, 4);
  under_replicated[0] = 0x84;
  CHECK(corrupt(under_replicated, {1}));
  CHECK(sweep.load(under_replicated, {}, kWall).ok());
  CHECK(sweep.under_replicated() == 1);
  RepublishSettings settings;
  settings.items_max = 1;
  Republish full(settings, kWall);
  CHECK(full.load(base::Bytes(21, 4), {}, kWall).ok());
  CHECK(full.load(row.key, {}, kWall).error() == RowError::full);
  CHECK(full.add(item(1), {}, kWall).error() == PublishError::full);
  CHECK(full.add({*Key::from(base::Bytes(20, 4)), Published::provider}, {}, kWall).ok());
}

TEST_CASE("dht republish: what is put before it is known that there are no rows is not overdue") {
  Republish sweep({}, kWall);
  sweep.await_rows();
  CHECK(sweep.add(item(0x80), {}, kWall).ok());
  const RowChange rows = sweep.rows_read(kWall + 1min);
  CHECK(rows.save == std::vector{sweep.cursor_row()});
  CHECK(rows.erase.empty());
  CHECK(sweep.late(kWall + 1min) == 0s);
  CHECK(*sweep.wake_at() > kWall + 1min);
  CHECK(*sweep.wake_at() <= kWall + 1min + kPeriod);
}

TEST_CASE("dht republish: every key comes once a period and a region's width, over restarts and failures") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    RepublishSettings settings;
    settings.region_items_max = 1 + random.below(10);
    std::optional<Republish> sweep;
    sweep.emplace(settings, kWall);
    sweep->set_region_bits(static_cast<unsigned>(random.below(12)));
    Disk disk;
    std::map<Item, base::WallTime> last;
    std::set<Item> under_replicated;
    base::WallTime wall = kWall;
    // Failing three times in a row costs 7 minutes, being down half an hour, and each start a second of the date.
    const base::Duration slack = kPeriod / 16 + 2h;
    for (int step = 0; step < 400; ++step) {
      switch (random.below(12)) {
        case 0: {
          const Item added{*Key::from(random_bytes(random, 20)), Published::cid};
          save(disk, sweep->add(added, {}, wall).value());
          last[added] = wall;
          if (!random.chance(1, 3)) break;
          save(disk, sweep->add_under_replicated(added, wall));
          under_replicated.insert(added);
          break;
        }
        case 1: {
          wall = wall + std::chrono::minutes(random.below(30));
          sweep.emplace(restarted(disk, wall, settings));
          RC_ASSERT(sweep->under_replicated() == under_replicated.size());
          break;
        }
        default: wall = wall + std::chrono::minutes(random.below(20));
      }
      for (int i = 0; i < 1000; ++i) {
        const auto region = sweep->next(wall);
        if (!region) break;
        const auto did = [&](const Item& each) {
          last[each] = wall;
          under_replicated.erase(each);
        };
        if (random.chance(1, 8)) {
          save(disk, sweep->met_nobody(wall));
          if (region->turn == Turn::under_replicated) continue;
          for (const Item& each : region->items) last[each] = wall;
          under_replicated.insert(region->items.begin(), region->items.end());
          continue;
        }
        if (random.chance(1, 8) && sweep->retries() < 3) {
          const auto good = static_cast<std::ptrdiff_t>(random.below(region->items.size()));
          for (auto each = region->items.begin(); each != region->items.begin() + good; ++each) did(*each);
          save(disk, sweep->failed({region->items.begin() + good, region->items.end()}, wall));
          continue;
        }
        for (const Item& each : region->items) did(each);
        save(disk, sweep->done(wall));
      }
      for (const auto& [each, when] : last) RC_ASSERT(wall - when <= kPeriod + slack);
    }
  }));
}

TEST_CASE("dht republish: announcements leave an eighth for what operators put") {
  RepublishSettings settings;
  settings.items_max = 16;
  Republish sweep(settings, kWall);
  for (int i = 0; i < 14; ++i) REQUIRE(sweep.add(item(i, 0, Published::provider), {}, kWall).ok());
  const Item more = item(20, 0, Published::provider);
  CHECK(sweep.add(more, {}, kWall).error() == PublishError::full);
  CHECK(sweep.load(Republish::row_key(more), {}, kWall).error() == RowError::full);
  CHECK(sweep.add(item(0, 0, Published::provider), {}, kWall).ok());
  CHECK(sweep.add(item(1, 0, Published::kv), {}, kWall).ok());
  CHECK(sweep.load(Republish::row_key(item(2, 0, Published::cid)), {}, kWall).ok());
  CHECK(sweep.add(item(3, 0, Published::pk), {}, kWall).error() == PublishError::full);
}
