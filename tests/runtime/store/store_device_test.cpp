// The store without its actor: a disk that loses power or fails at each of its operations.
#include "tests/runtime/store/orders.hpp"
#include "tests/support.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::Code;
using ports::DiskError;
using sim::DiskOperation;

/// Works on a store, and knows what it must hold.
struct Work {
  explicit Work(std::uint64_t seed) : random(seed) {}

  /// Groups of commits with tidying between them, until one fails; false then.
  bool run(Store& store, int groups) {
    for (int i = 0; i < groups; ++i) {
      if (random.chance(1, 3) && store.tidy() == Tidied::failed) return false;
      if (!group(store)) return false;
    }
    return true;
  }
  bool group(Store& store) {
    State next = durable;
    bool refused = false;
    for (std::uint64_t commits = 1 + random.below(3); commits > 0; --commits) {
      Order order = random_order(random);
      if (store.add(order.view()).ok()) order.perform(next);
      else refused = true;
    }
    const auto done = store.flush();
    if (done.ok()) durable = std::move(next);
    else if (done.error().code == Code::unknown_outcome) perhaps = std::move(next);
    return done.ok() && !refused;
  }

  /// Ends a doubt; a planned fault may be in the way some more times.
  void settle(Store& store) {
    for (int tries = 0; tidy_up(store) != Tidied::done; ++tries) REQUIRE(tries < 5);
  }
  /// The store holds what was acknowledged, and all or nothing of a group without an answer.
  void check(Store& store) {
    const State found = state_of(store);
    if (perhaps && found == *perhaps) durable = found;
    REQUIRE(found == durable);
    perhaps.reset();
  }

  base::Random random;
  State durable;                 // acknowledged
  std::optional<State> perhaps;  // or this, if the last group had no answer
};

/// How many bytes of a pack the rows of a store say were given up.
std::uint64_t given_up(ports::Disk& disk, std::uint32_t pack) {
  const auto database = Database::open(disk, "node/db", {.background = Background::here});
  REQUIRE(database.ok());
  const auto own = database.value()->keyspace(".store");
  REQUIRE(own.ok());
  const auto row = database.value()->get(own.value(), as_bytes("dropped." + std::to_string(pack)));
  std::uint64_t out = 0;
  if (row.ok()) {
    for (std::size_t i = 0; i < row.value().size(); ++i) out |= std::uint64_t{row.value()[i]} << (8 * i);
  }
  return out;
}

}  // namespace

TEST_CASE("store: a sync that fails while a commit fills a pack concerns that commit alone") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order order{{{"a", "1"}}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 2}, {}, {}};
  Order first{{{"a", "0"}}, {1}, {}, {}};  // the pack and the keyspace are there
  REQUIRE(store->add(first.view()).ok());
  REQUIRE(store->flush().ok());
  disk.fail(DiskOperation::sync, DiskError::io);
  const auto refused = store->add(order.view());
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == Code::unavailable);
  CHECK(store->usage().failure != "");
  REQUIRE(store->flush().ok());
  State expected;
  first.perform(expected);
  CHECK(state_of(*store) == expected);
  order.perform(expected);
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == expected);
  CHECK(store->usage().failure == "");
  check_counts(*store, disk, expected);
}

TEST_CASE("store: no pack is reclaimed while a commit is in doubt, for it may need it") {
  sim::Disk disk;
  const auto store = open_store(disk);
  for (Order order : {Order{{{"a", "0"}}, {3}, {}, {}}, Order{{}, {}, {3}, {}}}) {
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    if (!order.keep.empty()) REQUIRE(tidy_up(*store) == Tidied::done);
  }
  Order order{{{"a", "1"}}, {4}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  disk.fail(DiskOperation::sync, DiskError::io, 1);   // the database's log, after the pack
  disk.fail(DiskOperation::write, DiskError::io, 2);  // the attempt to find out, after pack and log
  const auto flushed = store->flush();
  REQUIRE(!flushed.ok());
  CHECK(flushed.error().code == Code::unknown_outcome);
  CHECK(store->usage().failure != "");
  disk.fail(DiskOperation::write, DiskError::io);
  CHECK(store->tidy() == Tidied::failed);
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(state_of(*store) == State{{{"a", "1"}}, {4}});
}

TEST_CASE("store: while a group is in doubt what is refused leaves the device alone, until tidying has tried") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order first{{{"a", "0"}}, {3}, {}, {}};
  REQUIRE(store->add(first.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  Order row{{{"a", "1"}}, {}, {}, {}}, drop{{}, {}, {3}, {}};
  REQUIRE(store->add(row.view()).ok());
  disk.fail(DiskOperation::sync, DiskError::no_space);      // the database's log
  disk.fail(DiskOperation::write, DiskError::no_space, 1);  // the attempt to find out, after the log
  CHECK(store->flush().error().code == Code::unknown_outcome);
  const std::uint64_t before = disk.operations();
  for (int i = 0; i < 3; ++i) {
    CHECK(store->add(row.view()).error().code == Code::no_space);
    CHECK(store->add(drop.view()).error().code == Code::no_space);  // there is no ballast
    CHECK(store->flush().ok());
  }
  CHECK(disk.operations() == before);
  REQUIRE(tidy_up(*store) == Tidied::done);
  REQUIRE(store->add(drop.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == State{{{"a", "1"}}, {}});
}

TEST_CASE("store: a deletion behind a group in doubt knows what that one has changed") {
  sim::Disk disk;
  StoreOptions options = kSmall;
  options.ballast_bytes = 1'000;  // who may have it tries at once
  const auto store = open_store(disk, options);
  Order first{{{"a", "0"}}, {3}, {}, {}};
  REQUIRE(store->add(first.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  Order kept{{{"a", "1"}}, {4}, {}, {}};
  REQUIRE(store->add(kept.view()).ok());
  disk.fail(DiskOperation::sync, DiskError::io, 1);         // the database's log, after the pack
  disk.fail(DiskOperation::write, DiskError::no_space, 2);  // the attempt to find out, after pack and log
  CHECK(store->flush().error().code == Code::unknown_outcome);
  Order dropped{{{"a", "2"}}, {}, {4}, {}};
  REQUIRE(store->add(dropped.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(store->usage().dead_bytes == record_bytes(blob_bytes(4)));
  check_counts(*store, disk, State{{{"a", "2"}}, {3}});
  CHECK(state_of(*store) == State{{{"a", "2"}}, {3}});
}

TEST_CASE("store: a device that fails while a pack is compacted costs no live blob and brings back no other") {
  for (std::uint64_t round = 0; round < 120; ++round) {
    CAPTURE(round);
    const std::uint64_t live = round % 2 == 0 ? 3 : 9;
    sim::Disk disk;
    {
      const auto store = open_store(disk);
      // These fill three packs, and more than a block of the index: what is asked later is not in memory yet.
      Commit others;
      for (std::uint64_t i = 0; i < 3 * 46; ++i) others.keep.push_back({id_of(256 * i), {}});
      Order kept{{}, {3, 4, 5, 6, 7, 8, 9}, {}, {}};
      Order dropped{{}, {}, {4, 5, 6, 7, 8, 12 - live}, {}};
      for (const Commit& commit : {others, kept.view(), dropped.view()}) {
        REQUIRE(store->add(commit).ok());
        REQUIRE(store->flush().ok());
      }
    }
    const auto store = open_store(disk);
    REQUIRE(disk.size(path_of(4)).ok());
    disk.fail(DiskOperation::read, DiskError::io, round / 2);
    static_cast<void>(tidy_up(*store));
    disk.fail(DiskOperation::read, DiskError::io, UINT64_MAX);
    REQUIRE(tidy_up(*store) == Tidied::done);
    REQUIRE(!disk.size(path_of(4)).ok());
    REQUIRE(store->read(id_of(live)).ok());
    REQUIRE(store->read(id_of(12 - live)).error().code == Code::not_found);
  }
}

TEST_CASE("store: after a loss of power at any operation what was acknowledged is there, of the rest all or none") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (std::uint64_t at = 0;; ++at) {
      sim::Disk disk;
      Work work(seed);
      disk.halt_after(at);
      bool finished = false;
      if (auto store = try_open(disk); store.ok()) finished = work.run(*store.value(), 14);
      base::Random power(seed * 1'000 + at);
      disk.crash(power);
      CAPTURE(seed);
      CAPTURE(at);
      const auto store = open_store(disk);
      work.check(*store);
      check_counts(*store, disk, work.durable);
      REQUIRE(work.run(*store, 3));
      work.check(*store);
      if (finished) break;
    }
  }
}

TEST_CASE("store: after failed operations the store works on, and its answers were true") {
  for (std::uint64_t round = 0; round < test::rounds(1'000, 300); ++round) {
    CAPTURE(round);
    base::Random random(round);
    sim::Disk disk;
    Work work(round);
    auto store = open_store(disk);
    REQUIRE(work.run(*store, 6));
    store.reset();
    store = open_store(disk);  // from here on the rows are in tables, which are read
    const std::uint64_t first = random.below(60);
    for (const auto what : {DiskOperation::read, DiskOperation::write, DiskOperation::sync}) {
      if (!random.chance(2, 3)) continue;
      // Close together, so that a repair meets the next one.
      disk.fail(what, random.chance(1, 2) ? DiskError::io : DiskError::no_space, first + random.below(4));
    }
    if (work.run(*store, 14)) continue;
    work.settle(*store);
    for (const auto what : {DiskOperation::read, DiskOperation::write, DiskOperation::sync}) {
      disk.fail(what, DiskError::io, UINT64_MAX);  // the device is well again
    }
    work.settle(*store);
    work.check(*store);
    REQUIRE(work.run(*store, 3));
    work.check(*store);
    store.reset();
    store = open_store(disk);
    work.check(*store);
    check_counts(*store, disk, work.durable);
  }
}

TEST_CASE("store: what is given up is counted once, however often the group that does fails") {
  sim::Disk disk;
  auto store = open_store(disk, {.reserve_bytes = 0, .ballast_bytes = 0});
  Order kept{{{"a", "1"}}, {3, 4}, {}, {}}, lost{{}, {5}, {}, {}}, dropped{{}, {}, {3}, {}},
      row{{{"a", "2"}}, {}, {}, {}};
  REQUIRE(store->add(kept.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  const auto fails = [&](Order& order, std::uint64_t write) {
    disk.fail(DiskOperation::write, DiskError::io, write);
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().error().code == Code::unavailable);
  };
  SUBCASE("a drop") {
    for (int i = 0; i < 3; ++i) fails(dropped, 0);
    REQUIRE(store->add(dropped.view()).ok());
    REQUIRE(store->flush().ok());
    store.reset();
    CHECK(given_up(disk, 1) == record_bytes(blob_bytes(3)));
  }
  SUBCASE("what a failed group has left void, of which a failed one was to tell") {
    fails(lost, 1);  // behind the pack
    fails(row, 0);
    REQUIRE(store->add(row.view()).ok());
    REQUIRE(store->flush().ok());
    store.reset();
    CHECK(given_up(disk, 1) == record_bytes(blob_bytes(5)));
  }
}

}  // namespace troupe::store
