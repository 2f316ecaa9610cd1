// The store without its actor: groups, damage, and a disk that loses power or fails at each of its operations.
#include "runtime/store/store.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/runtime/store/packing.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::Code;
using ports::DiskError;
using sim::DiskOperation;

/// No reserve, packs of a few records, and each dead byte is worth a compaction.
constexpr StoreOptions kSmall{.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 1, .ballast_bytes = 0};

StoreResult<std::unique_ptr<Store>> try_open(ports::Disk& disk, StoreOptions options = kSmall) {
  return Store::open(disk, "node", Background::here, 7, options);
}

std::unique_ptr<Store> open_store(ports::Disk& disk, StoreOptions options = kSmall) {
  auto out = try_open(disk, options);
  if (!out.ok()) FAIL(out.error().message);
  return std::move(out).value();
}

Tidied tidy_up(Store& store) {
  Tidied last = Tidied::more;
  for (int i = 0; i < 10'000 && last == Tidied::more; ++i) last = store.tidy();
  return last;
}

/// What a store holds: rows of one keyspace, and which blobs.
struct State {
  std::map<std::string, std::string> rows;
  std::set<std::uint64_t> blobs;
  friend bool operator==(const State&, const State&) = default;
};

std::size_t blob_bytes(std::uint64_t number) { return number * 37 % 700; }

/// A commit with the bytes that it views.
struct Order {
  std::vector<std::pair<std::string, std::optional<std::string>>> rows;
  std::vector<std::uint64_t> keep;
  std::vector<std::uint64_t> drop;
  std::vector<base::Bytes> payloads;

  Commit view() {
    Commit out;
    for (const auto& [key, value] : rows) {
      out.rows.push_back(
          {"test", as_bytes(key), value ? std::optional<base::ByteView>(as_bytes(*value)) : std::nullopt});
    }
    payloads.clear();
    for (const std::uint64_t number : keep) payloads.push_back(payload_of(number, blob_bytes(number)));
    for (std::size_t i = 0; i < keep.size(); ++i) out.keep.push_back({id_of(keep[i]), payloads[i]});
    for (const std::uint64_t number : drop) out.drop.push_back(id_of(number));
    return out;
  }
  void perform(State& state) const {
    for (const auto& [key, value] : rows) {
      if (value) state.rows[key] = *value;
      else state.rows.erase(key);
    }
    for (const std::uint64_t number : drop) state.blobs.erase(number);
    state.blobs.insert(keep.begin(), keep.end());
  }
};

constexpr std::uint64_t kBlobs = 12;

Order random_order(base::Random& random) {
  Order out;
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const std::string key = "key" + std::to_string(random.below(5));
    if (random.chance(1, 3)) out.rows.emplace_back(key, std::nullopt);
    else out.rows.emplace_back(key, std::to_string(random.next()));
  }
  for (std::uint64_t i = random.below(3); i > 0; --i) out.keep.push_back(random.below(kBlobs));
  for (std::uint64_t i = random.below(3); i > 0; --i) out.drop.push_back(random.below(kBlobs));
  return out;
}

State state_of(Store& store) {
  State out;
  const auto slice = store.scan("test", {}, 1000, 1'000'000, {});
  REQUIRE(slice.ok());
  for (const Row& row : slice.value().rows) {
    out.rows[std::string(base::as_text(row.key))] = std::string(base::as_text(row.value));
  }
  for (std::uint64_t number = 0; number < kBlobs; ++number) {
    const auto got = store.read(id_of(number));
    if (!got.ok()) {
      REQUIRE(got.error().code == Code::not_found);
      continue;
    }
    REQUIRE(got.value() == payload_of(number, blob_bytes(number)));
    out.blobs.insert(number);
  }
  return out;
}

/// Bytes of the files of all packs.
std::uint64_t pack_bytes(ports::Disk& disk) {
  const auto names = disk.list("node/packs");
  std::uint64_t sum = 0;
  for (const std::string& name : names.value()) sum += disk.size("node/packs/" + name).value();
  return sum;
}

/// The counts are those of what is there, and what is not there is dead.
void check_counts(Store& store, ports::Disk& disk, const State& state) {
  REQUIRE(tidy_up(store) == Tidied::done);
  const StoreUsage usage = store.usage();
  CHECK(usage.counted);
  CHECK(usage.blobs == state.blobs.size());
  CHECK(usage.damages == 0);
  CHECK(usage.failure == "");
  std::uint64_t live = 0;
  for (const std::uint64_t number : state.blobs) live += record_bytes(blob_bytes(number));
  CHECK(pack_bytes(disk) == live + usage.dead_bytes + kPackHeaderBytes * disk.list("node/packs").value().size());
}

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

  /// Ends a doubt, by tidying or by the next commits; a planned fault may be in the way some more times.
  void settle(Store& store) {
    const bool tidies = random.chance(1, 2);
    Order mark{{{"settled", "yes"}}, {}, {}, {}};
    const auto settled = [&] {
      if (tidies) return tidy_up(store) == Tidied::done;
      return store.add(mark.view()).ok() && store.flush().ok();
    };
    int tries = 0;
    while (!settled()) {
      REQUIRE(++tries < 5);
      REQUIRE(store.flush().ok());
    }
    if (!tidies) {
      mark.perform(durable);
      if (perhaps) mark.perform(*perhaps);
    }
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

}  // namespace

TEST_CASE("store: a commit is there once its group is flushed, and not before") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order order{{{"a", "1"}, {"b", "2"}}, {1, 2}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  CHECK(state_of(*store) == State{});
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == State{{{"a", "1"}, {"b", "2"}}, {1, 2}});
}

TEST_CASE("store: later commits of a group win over earlier ones, as their order says") {
  sim::Disk disk;
  const auto store = open_store(disk);
  const std::array<Order, 4> orders{Order{{{"a", "1"}}, {1, 2}, {}, {}}, Order{{{"a", {}}, {"b", "2"}}, {}, {1}, {}},
                                    Order{{{"a", "3"}}, {3}, {2}, {}}, Order{{}, {1}, {}, {}}};
  State expected;
  for (Order order : orders) {
    REQUIRE(store->add(order.view()).ok());
    order.perform(expected);
  }
  REQUIRE(store->flush().ok());
  CHECK(expected == State{{{"a", "3"}, {"b", "2"}}, {1, 3}});
  CHECK(state_of(*store) == expected);
  check_counts(*store, disk, expected);
}

TEST_CASE("store: a blob is written once, however often it is kept") {
  sim::Disk disk;
  const auto store = open_store(disk, {.reserve_bytes = 0});
  Order order{{}, {5, 5}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  const std::uint64_t once = pack_bytes(disk);
  CHECK(once == kPackHeaderBytes + record_bytes(blob_bytes(5)));
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(pack_bytes(disk) == once);
  CHECK(store->usage().dead_bytes == 0);
}

TEST_CASE("store: a blob that is kept and dropped by one commit stays") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order order{{}, {1}, {1}, {}};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(state_of(*store).blobs == std::set<std::uint64_t>{1});
  }
}

TEST_CASE("store: a commit above a limit is malformed, and no part of the group") {
  sim::Disk disk;
  const auto store = open_store(disk);
  const std::string key(kKeyBytesMax, 'k'), key_beyond(kKeyBytesMax + 1, 'k');
  const std::string value(kValueBytesMax, 'v'), value_beyond(kValueBytesMax + 1, 'v');
  const base::Bytes blob(kBlobBytesMax), blob_beyond(kBlobBytesMax + 1);
  const auto code = [&](const Commit& commit) -> std::optional<Code> {
    const auto added = store->add(commit);
    if (added.ok()) return std::nullopt;
    return added.error().code;
  };
  const auto row = [](std::string_view space, std::string_view named, std::string_view content) {
    return Commit{{{space, as_bytes(named), as_bytes(content)}}, {}, {}};
  };
  CHECK(code(row("test", key_beyond, "")) == Code::malformed);
  CHECK(code(row("test", "", value_beyond)) == Code::malformed);
  CHECK(code(row("", "a", "b")) == Code::malformed);
  CHECK(code(row("Test", "a", "b")) == Code::malformed);
  CHECK(code(row("123456789012345678901234567890123", "a", "b")) == Code::malformed);
  CHECK(code(row(".blobs", "a", "b")) == Code::refused);
  CHECK(code({{}, {{id_of(1), blob_beyond}}, {}}) == Code::malformed);
  Commit huge{{}, {}, std::vector<base::Digest>(kCommitBytesMax / 60 + 1)};
  CHECK(code(huge) == Code::malformed);
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == State{});

  CHECK(code(row("test", key, value)) == std::nullopt);
  CHECK(code({{}, {{id_of(100), blob}}, {}}) == std::nullopt);
  huge.drop.pop_back();
  CHECK(!store->fits(huge));
  REQUIRE(store->flush().ok());
  CHECK(store->fits(huge));
  CHECK(code(huge) == std::nullopt);
  REQUIRE(store->flush().ok());
  CHECK(store->get("test", as_bytes(key)).value().size() == kValueBytesMax);
  CHECK(store->read(id_of(100)).value() == blob);
}

TEST_CASE("store: what is dropped is reclaimed, first what takes no copying") {
  sim::Disk disk;
  const auto store = open_store(disk, {.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 500});
  State state;
  for (std::uint64_t number = 0; number < kBlobs; ++number) {
    Order order{{}, {number}, {}, {}};
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    order.perform(state);
  }
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t full = pack_bytes(disk);
  Order order{{}, {}, {0, 1, 2, 3, 4, 5, 6, 8, 9}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  order.perform(state);
  CHECK(pack_bytes(disk) == full);
  check_counts(*store, disk, state);
  CHECK(pack_bytes(disk) < full / 2);
  CHECK(store->usage().dead_bytes <= 1'200);
  CHECK(state_of(*store) == state);
}

TEST_CASE("store: a database that is lost costs no pack, and the loss is told") {
  sim::Disk disk;
  {
    const auto store = open_store(disk);
    for (std::uint64_t number = 0; number < 30; ++number) {
      Order order{.keep = {number}};
      REQUIRE(store->add(order.view()).ok());
      REQUIRE(store->flush().ok());
    }
  }
  const std::uint64_t before = pack_bytes(disk);
  const auto files = disk.list("node/db").value();
  for (const auto& file : files) REQUIRE(disk.remove("node/db/" + file).ok());
  for (int start = 0; start < 2; ++start) {  // the second one finds the marks of the first
    const auto store = open_store(disk);
    tidy_up(*store);
    CHECK(store->usage().damages > 0);
    CHECK(pack_bytes(disk) >= before);
  }
}

TEST_CASE("store: what lives is not copied where that would eat what is reserved") {
  StoreOptions options = kSmall;
  options.reserve_bytes = 2'000'000;
  options.pack_bytes_max = 4'000'000;
  sim::Disk disk;
  const auto store = open_store(disk, options);
  const base::Bytes payload = payload_of(1, 1'000'000);
  for (std::uint64_t number = 0; number < 3; ++number) {
    Commit keep;
    keep.keep.push_back({id_of(number), payload});
    REQUIRE(store->add(keep).ok());
    REQUIRE(store->flush().ok());
  }
  Commit drop;
  drop.drop = {id_of(0), id_of(1)};
  REQUIRE(store->add(drop).ok());
  REQUIRE(store->flush().ok());
  const std::uint64_t free = disk.free_bytes().value();
  disk.set_capacity((std::uint64_t{1} << 40) - free + 2'500'000);  // room for the reserve and half of the copy
  tidy_up(*store);
  CHECK(store->usage().dead_bytes > 1'900'000);
  CHECK(store->has(id_of(2)).value());
  disk.set_capacity(std::uint64_t{1} << 40);
  tidy_up(*store);
  CHECK(store->usage().dead_bytes < 1'000'000);
  CHECK(store->has(id_of(2)).value());
}

TEST_CASE("store: a damaged blob is named, is no longer held, and is good again once it is kept anew") {
  sim::Disk disk;
  auto store = open_store(disk, {.reserve_bytes = 0});
  Order order{{}, {1, 2, 3}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t second = kPackHeaderBytes + record_bytes(blob_bytes(1)) + kRecordHeaderBytes;
  REQUIRE(disk.corrupt(path_of(1), second + 3, 0x40));
  const auto all = store->check({});
  REQUIRE(all.ok());
  CHECK(all.value().checked == 3);
  CHECK(all.value().damaged == std::vector{id_of(2)});
  CHECK(!all.value().next);
  CHECK(store->read(id_of(2)).error().code == Code::corrupt);
  CHECK(store->has(id_of(2)).value() == false);
  CHECK(store->usage().damages == 1);
  SUBCASE("by a commit that keeps it") {
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(state_of(*store).blobs == std::set<std::uint64_t>{1, 2, 3});
    CHECK(store->usage().dead_bytes == record_bytes(blob_bytes(2)));
  }
  SUBCASE("or when it is dropped") {
    Order drop{{}, {}, {2}, {}};
    REQUIRE(store->add(drop.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(store->read(id_of(2)).error().code == Code::not_found);
  }
  CHECK(store->usage().damages == 0);
}

TEST_CASE("store: a row whose record is beyond the end of its pack is damage, told and not forgotten") {
  sim::Disk disk;
  Order order{{}, {1, 2, 3}, {}, {}};
  {
    const auto store = open_store(disk);
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
  }
  SUBCASE("the end is gone") {
    auto file = disk.open(path_of(1), ports::OpenMode::append);
    REQUIRE(file.value()->truncate(kPackHeaderBytes + record_bytes(blob_bytes(1))).ok());
    REQUIRE(file.value()->sync().ok());
    const auto store = open_store(disk);
    REQUIRE(tidy_up(*store) == Tidied::done);
    CHECK(store->usage().damages == 2);
    CHECK(store->read(id_of(1)).ok());
    CHECK(store->read(id_of(3)).error().code == Code::corrupt);
    CHECK(store->check({}).value().damaged.size() == 2);
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(store->usage().damages == 0);
    CHECK(store->read(id_of(3)).ok());
  }
  SUBCASE("the pack is gone") {
    REQUIRE(disk.remove(path_of(1)).ok());
    const auto store = open_store(disk);
    CHECK(store->read(id_of(3)).error().code == Code::corrupt);
    REQUIRE(tidy_up(*store) == Tidied::done);
    CHECK(store->usage().damages == 3);
  }
}

TEST_CASE("store: a pack with damage among its live records is left as it is, others are reclaimed") {
  sim::Disk disk;
  const auto store = open_store(disk, {.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 1});
  Order order{{}, {3, 4, 5, 6, 7, 8, 9}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t first = kPackHeaderBytes + kRecordHeaderBytes;
  const bool live = [&] {
    bool out = false;
    SUBCASE("damage in a live record") { out = true; }
    SUBCASE("damage in a dead record") { out = false; }
    return out;
  }();
  REQUIRE(disk.corrupt(path_of(1), first, 1));
  Order drop{
      {}, {}, live ? std::vector<std::uint64_t>{4, 5, 6, 7, 8} : std::vector<std::uint64_t>{3, 4, 5, 6, 7, 8}, {}};
  REQUIRE(store->add(drop.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(disk.size(path_of(1)).ok() == live);
  CHECK(store->usage().damages == (live ? 1 : 0));
  CHECK(store->read(id_of(9)).ok());
  if (!live) return;
  Order rest{{}, {}, {3}, {}};
  REQUIRE(store->add(rest.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(!disk.size(path_of(1)).ok());
  CHECK(store->usage().damages == 0);
}

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

TEST_CASE("store: a commit behind one in doubt knows what that one has changed") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order first{{{"a", "0"}}, {3}, {}, {}};
  REQUIRE(store->add(first.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  Order kept{{{"a", "1"}}, {4}, {}, {}};
  REQUIRE(store->add(kept.view()).ok());
  disk.fail(DiskOperation::sync, DiskError::io, 1);   // the database's log, after the pack
  disk.fail(DiskOperation::write, DiskError::io, 2);  // the attempt to find out, after pack and log
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
  for (std::uint64_t round = 0; round < 1'000; ++round) {
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

}  // namespace troupe::store
