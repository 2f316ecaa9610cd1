// What at most one node has is published again soon, beside the sweep.
#include "tests/actors/dht/sweep.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

TEST_CASE("dht republish: what at most one node has is under-replicated beside the sweep until others have it") {
  Republish sweep({}, kWall);
  Disk disk;
  for (const int second : {1, 2}) {
    save(disk, sweep.add(item(0x81, second), {}, kWall).value());
    save(disk, sweep.add_under_replicated(item(0x81, second), kWall));
  }
  CHECK(sweep.add_under_replicated(item(0x90), kWall).empty());  // is not published
  save(disk, sweep.cursor_row());
  CHECK(sweep.under_replicated() == 2);
  CHECK(sweep.wake_at() == kWall + 1min);
  base::WallTime wall = kWall + 1min;
  const auto next = [&] {
    const auto region = sweep.next(wall);
    REQUIRE(region);
    CHECK(region->turn == Turn::under_replicated);
    return region->items;
  };
  const std::vector both{item(0x81, 1), item(0x81, 2)};
  SUBCASE("as soon as there is somebody") {
    for (int i = 0; i < 40; ++i) {
      CHECK(next() == both);
      save(disk, sweep.met_nobody(wall));
      CHECK(sweep.wake_at() == wall + 1min);
      wall = wall + 1min;
    }
  }
  SUBCASE("less and less often while others do not take it") {
    for (const auto again : {2min, 4min}) {
      CHECK(next() == both);
      save(disk, sweep.failed({item(0x81, 1), item(0x81, 2)}, wall));
      CHECK(sweep.wake_at() == wall + again);
      wall = wall + again;
    }
  }
  SUBCASE("one after the other") {
    CHECK(next() == both);
    save(disk, sweep.failed({item(0x81, 2)}, wall));
    wall = wall + 2min;
    CHECK(next() == std::vector{item(0x81, 2)});
    save(disk, sweep.met_nobody(wall));
    wall = wall + 1min;
  }
  SUBCASE("what is put again meanwhile is as new") {
    CHECK(next() == both);
    save(disk, sweep.add_under_replicated(item(0x81, 1), wall));
    save(disk, sweep.done(wall));
    CHECK(sweep.under_replicated() == 1);
    wall = wall + 1min;
  }
  SUBCASE("it is withdrawn") {
    for (const Item& one : both) save(disk, sweep.remove(one));
    CHECK(sweep.under_replicated() == 0);
    CHECK_FALSE(sweep.wake_at());
    CHECK(disk.size() == 1);
    return;
  }
  Republish after = restarted(disk, wall);
  CHECK(after.under_replicated() == sweep.under_replicated());
  CHECK(after.wake_at() == wall + 1min);
  wall = wall + 1h;
  CHECK_FALSE(next().empty());
  save(disk, sweep.done(wall));
  CHECK(sweep.under_replicated() == 0);
  // Then it comes again when it is its turn, also after a restart.
  CHECK(sweep.wake_at().value() - kWall > kPeriod / 2);
  CHECK(sweep.wake_at().value() - kWall < kPeriod * 0x82 / 256);
  CHECK(restarted(disk, wall).wake_at() == sweep.wake_at());
}

TEST_CASE(
    "dht republish: what is under-replicated comes in regions like all else, and those that fail keep none from its "
    "turn") {
  RepublishSettings settings;
  settings.region_items_max = 3;
  Republish sweep(settings, kWall);
  for (int second = 0; second < 7; ++second) {
    REQUIRE(sweep.add(item(0x40, second), {}, kWall).ok());
    (void)sweep.add_under_replicated(item(0x40, second), kWall);
  }
  REQUIRE(sweep.add(item(0xf0), {}, kWall).ok());
  (void)sweep.add_under_replicated(item(0xf0), kWall);
  const base::WallTime wall = kWall + 1min;
  std::set<Item> seen;
  for (const std::size_t size : {3, 3, 1, 1}) {
    const auto region = sweep.next(wall);
    REQUIRE(region);
    CHECK(region->items.size() == size);
    const std::set<Item> items(region->items.begin(), region->items.end());
    seen.insert(items.begin(), items.end());
    (void)sweep.failed(items, wall);
  }
  CHECK(seen.size() == 8);
  CHECK_FALSE(sweep.next(wall));
}

TEST_CASE("dht republish: what the sweep has placed is no longer under-replicated") {
  RepublishSettings settings;
  Republish sweep(settings, kWall);
  Disk disk;
  save(disk, sweep.add(item(0x40), {}, kWall).value());
  save(disk, sweep.add(item(0x40, 1), {}, kWall).value());
  save(disk, sweep.add_under_replicated(item(0x40), kWall));
  save(disk, sweep.add_under_replicated(item(0x40, 1), kWall));
  base::WallTime wall = kWall;
  std::optional<Region> region;
  for (; !region || region->turn == Turn::under_replicated;
       region = sweep.next(wall)) {  // too few have it, again and again
    if (region) save(disk, sweep.failed({region->items.begin(), region->items.end()}, wall));
    wall = std::max(wall, *sweep.wake_at());
  }
  CHECK(sweep.untaken(wall) > kPeriod / 8);
  REQUIRE(region->items.size() == 2);
  std::size_t left = 0;
  SUBCASE("all of it") { save(disk, sweep.done(wall)); }
  SUBCASE("some of it") {
    save(disk, sweep.failed({item(0x40, 1)}, wall));
    left = 1;
  }
  SUBCASE("what was put anew meanwhile stays") {
    save(disk, sweep.add_under_replicated(item(0x40, 1), wall));
    save(disk, sweep.done(wall));
    left = 1;
  }
  CHECK(sweep.under_replicated() == left);
  CHECK(sweep.untaken(wall) == 0s);
  CHECK(restarted(disk, wall).under_replicated() == left);
}

TEST_CASE("dht republish: a sweep that is late is not held against what is under-replicated") {
  Republish sweep({}, kWall);
  REQUIRE(sweep.add(item(1), {}, kWall).ok());
  const auto wall = kWall + 2h;
  REQUIRE(sweep.add(item(2), {}, wall).ok());
  (void)sweep.add_under_replicated(item(2), wall);
  CHECK(sweep.late(wall) > 1h);
  CHECK(sweep.untaken(wall) == 0s);
  CHECK(sweep.late(wall + 21h) > sweep.untaken(wall + 21h));
  CHECK(sweep.untaken(wall + 21h) == 21h);
}

TEST_CASE("dht republish: what is under-replicated waits no longer where the clock was ahead") {
  Republish sweep({}, kWall + 24h);
  REQUIRE(sweep.add(item(0x40), {}, kWall + 24h).ok());
  (void)sweep.add_under_replicated(item(0x40), kWall + 24h);
  CHECK_FALSE(sweep.next(kWall));
  CHECK(*sweep.wake_at() <= kWall + 1min);
  const auto region = sweep.next(kWall + 1min);
  REQUIRE(region);
  CHECK(region->turn == Turn::under_replicated);
}

TEST_CASE("dht republish: what was published again while nobody was there is under-replicated") {
  Republish sweep({}, kWall);
  Disk disk;
  save(disk, sweep.add(item(0x40), {}, kWall).value());
  base::WallTime wall = kWall + kPeriod / 4;
  SUBCASE("at its turn") { REQUIRE(sweep.next(wall)); }
  SUBCASE("after it has failed") {
    REQUIRE(sweep.next(wall));
    save(disk, sweep.failed({item(0x40)}, wall));
    wall = wall + 1min;
    REQUIRE(sweep.next(wall));
  }
  save(disk, sweep.met_nobody(wall));
  CHECK(sweep.late(wall) == 0s);
  CHECK(sweep.retries() == 0);
  CHECK(restarted(disk, wall).under_replicated() == 1);
  CHECK(sweep.wake_at() == wall + 1min);
  CHECK(publish(sweep, wall + 1min, &disk) == std::vector{item(0x40)});
  CHECK(sweep.wake_at() == kWall + kPeriod + kPeriod / 4);
  CHECK(restarted(disk, wall).wake_at() == sweep.wake_at());
}
