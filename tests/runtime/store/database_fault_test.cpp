// The database on a disk that loses power, fills up, fails and rots.
#include <leveldb/db.h>

#include <map>
#include <set>

#include "runtime/store/database.hpp"
#include "runtime/store/leveldb_env.hpp"
#include "tests/runtime/store/disks.hpp"
#include "tests/support.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::as_text;
using ports::DiskError;
using sim::DiskOperation;

using Model = std::map<std::string, std::string>;

/// All rows of a keyspace.
StoreResult<Model> rows(Database& database, const Keyspace& where) {
  Model out;
  base::Bytes from;
  for (;;) {
    const auto slice = database.scan(where, from, 1000, kScanBytesMax);
    if (!slice.ok()) return slice.error();
    for (const Row& row : slice.value().rows) out[std::string(as_text(row.key))] = as_text(row.value);
    if (!slice.value().next) return out;
    from = *slice.value().next;
  }
}

/// Writes until a write fails. `states[i]` is the model after i batches; returns how many are known to be durable.
struct Run {
  std::vector<Model> states{Model{}};
  std::size_t durable = 0;    // batches that a successful synced write covers
  std::size_t attempted = 0;  // batches given to write(), the last of which may have failed
};

Run write_until_failure(Database& database, const Keyspace& where, base::Random& random, int batches,
                        std::size_t value_bytes) {
  Run run;
  for (int i = 0; i < batches; ++i) {
    Batch batch;
    Model next = run.states.back();
    for (std::uint64_t j = 0; j <= random.below(4); ++j) {
      const std::string key = std::to_string(random.below(50));
      next[key] = std::to_string(i) + std::string(value_bytes, 'v');
      batch.put(where, as_bytes(key), as_bytes(next[key]));
    }
    const Sync sync = random.chance(1, 2) ? Sync::yes : Sync::no;
    run.states.push_back(std::move(next));
    ++run.attempted;
    if (!database.write(batch, sync).ok()) break;
    if (sync == Sync::yes) run.durable = run.attempted;
  }
  return run;
}

/// Whether the rows are those after some batch that may be the last to have survived.
bool is_a_state(const Run& run, const Model& rows) {
  for (std::size_t i = run.durable; i <= run.attempted; ++i) {
    if (run.states[i] == rows) return true;
  }
  return false;
}

TEST_CASE("database: after a crash at any point it holds all that was synced, and whole batches of the rest") {
  int survived_unsynced = 0;
  for (std::uint64_t seed = 0; seed < test::rounds(400, 120); ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    sim::Disk disk;
    {
      auto database = try_database(disk);
      REQUIRE(database.ok());
      REQUIRE(database.value()->keyspace("k").ok());
    }
    // Large values in some runs, so that the power also fails while tables are written and compacted.
    const std::size_t value_bytes = seed % 4 == 0 ? 120'000 : 20;
    disk.halt_after(random.below(seed % 4 == 0 ? 600 : 120));
    Run run;
    {
      auto database = try_database(disk);
      if (database.ok()) {
        const auto where = database.value()->keyspace("k");
        if (where.ok()) run = write_until_failure(*database.value(), where.value(), random, 120, value_bytes);
      }
    }
    disk.crash(random);
    auto database = try_database(disk);
    if (!database.ok()) FAIL(database.error().message);
    const auto where = database.value()->keyspace("k");
    REQUIRE(where.ok());
    const auto found = rows(*database.value(), where.value());
    REQUIRE(found.ok());
    REQUIRE(is_a_state(run, found.value()));
    survived_unsynced += found.value() != run.states[run.durable];
  }
  CHECK(survived_unsynced > 0);
}

TEST_CASE("database: a crash at any point of its first start leaves one that opens") {
  for (std::uint64_t operations = 0; operations < 60; ++operations) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      CAPTURE(operations);
      CAPTURE(seed);
      base::Random random(seed);
      sim::Disk disk;
      disk.halt_after(operations);
      {
        auto database = try_database(disk);
        if (database.ok()) static_cast<void>(database.value()->keyspace("k"));
      }
      disk.crash(random);
      auto database = try_database(disk);
      if (!database.ok()) FAIL(database.error().message);
      CHECK(database.value()->keyspace("k").ok());
    }
  }
}

TEST_CASE("database: the same seed writes the same bytes") {
  const auto run = [](std::uint64_t seed) {
    base::Random random(seed);
    sim::Disk disk;
    {
      auto database = try_database(disk);
      write_until_failure(*database.value(), database.value()->keyspace("k").value(), random, 200, 60'000);
    }
    std::string all;
    const auto names = disk.list("store");
    for (const std::string& name : names.value()) all += name + contents(disk, "store/" + name);
    return std::pair(std::hash<std::string>{}(all), disk.operations());
  };
  CHECK(run(3) == run(3));
  CHECK(run(3) != run(4));
}

TEST_CASE("database: a full disk refuses writes, still reads, and writes again once there is room") {
  sim::Disk disk(24 * 1024 * 1024);
  auto database = std::move(try_database(disk)).value();
  const Keyspace where = database->keyspace("k").value();
  Model model;
  std::optional<StoreError> full;
  for (int i = 0; i < 1000 && !full; ++i) {
    const std::string key = std::to_string(i);
    const std::string value(100'000, static_cast<char>('a' + i % 26));
    Batch batch;
    batch.put(where, as_bytes(key), as_bytes(value));
    const auto written = database->write(batch, Sync::yes);
    if (written.ok()) model[key] = value;
    else full = written.error();
  }
  REQUIRE(full);
  CHECK(*full == StoreError::no_space);
  CHECK(database->failure() == full->kind);
  CHECK(model.size() > 50);
  CHECK(rows(*database, where).value() == model);
  Batch small;
  small.put(where, as_bytes("small"), as_bytes("v"));
  CHECK(database->write(small, Sync::yes).error() == StoreError::no_space);
  CHECK(rows(*database, where).value() == model);

  SUBCASE("by what others have freed") { disk.set_capacity(200 * 1024 * 1024); }
  SUBCASE("after a crash") {
    base::Random random(5);
    disk.set_capacity(200 * 1024 * 1024);
    disk.crash(random);
    database.reset();
    database = std::move(try_database(disk)).value();
  }
  REQUIRE(database->write(small, Sync::yes).ok());
  CHECK_FALSE(database->failure());
  model["small"] = "v";
  const auto after = rows(*database, where);
  REQUIRE(after.ok());
  // The refused value may have reached the log: outcome unknown, but whole.
  Model found = after.value();
  for (const auto& [key, value] : model) REQUIRE(found[key] == value);
  CHECK(found.size() <= model.size() + 1);
  database.reset();
  database = std::move(try_database(disk)).value();
  CHECK(rows(*database, where).value() == found);
}

TEST_CASE("database: a failed write or sync is io, and a later write goes on where it can") {
  for (const DiskOperation operation : {DiskOperation::write, DiskOperation::sync}) {
    for (const DiskError error : {DiskError::io, DiskError::no_space}) {
      sim::Disk disk;
      auto database = std::move(try_database(disk)).value();
      const Keyspace where = database->keyspace("k").value();
      const auto put = [&](const char* key) {
        Batch batch;
        batch.put(where, as_bytes(key), base::Bytes(50'000, 'v'));
        return database->write(batch, Sync::yes);
      };
      REQUIRE(put("before").ok());
      disk.fail(operation, error);
      const auto failed = put("during");
      REQUIRE_FALSE(failed.ok());
      CHECK(failed.error() == (error == DiskError::io ? StoreError::io : StoreError::no_space));
      CHECK(failed.error().message.find(".log") != std::string::npos);
      CHECK(database->get(where, as_bytes("before")).ok());
      REQUIRE(put("after").ok());
      database.reset();
      database = std::move(try_database(disk)).value();
      CHECK(database->get(where, as_bytes("before")).ok());
      CHECK(database->get(where, as_bytes("after")).ok());
      CHECK(disk.size("store/probe").error() == DiskError::not_found);
    }
  }
}

TEST_CASE("database: while the device stays broken writes are refused and reads go on") {
  sim::Disk disk;
  auto database = std::move(try_database(disk)).value();
  const Keyspace where = database->keyspace("k").value();
  Batch batch;
  batch.put(where, as_bytes("key"), as_bytes("v"));
  REQUIRE(database->write(batch, Sync::yes).ok());
  for (int i = 0; i < 3; ++i) {
    disk.fail(DiskOperation::sync, DiskError::io);
    CHECK(database->write(batch, Sync::yes).error() == StoreError::io);
    CHECK(database->get(where, as_bytes("key")).ok());
  }
  CHECK(database->write(batch, Sync::yes).ok());
}

/// Fills a database so that there are tables, a log and a manifest. Returns what it holds.
Model filled(ports::Disk& disk) {
  base::Random random(9);
  auto database = std::move(try_database(disk)).value();
  const Keyspace where = database->keyspace("k").value();
  return write_until_failure(*database, where, random, 150, 60'000).states.back();
}

TEST_CASE("database: a damaged file is named, and nothing of it is returned") {
  sim::Disk disk;
  const Model model = filled(disk);
  const auto names = disk.list("store");
  const auto last = [&](std::string_view part) {
    std::string found;
    for (const std::string& name : names.value()) {
      if (name.find(part) != std::string::npos && disk.size("store/" + name).value() > 0) found = name;
    }
    REQUIRE_FALSE(found.empty());
    return "store/" + found;
  };
  std::string file;
  SUBCASE("a table") {
    file = last(".ldb");
    REQUIRE(disk.corrupt(file, 100, 0x40));
    auto database = std::move(try_database(disk)).value();
    const Keyspace where = database->keyspace("k").value();
    const auto scan = rows(*database, where);
    REQUIRE_FALSE(scan.ok());
    CHECK(scan.error() == StoreError::corrupt);
    CHECK(scan.error().message.find(file + ":") == 0);
    int lost = 0;
    for (const auto& [key, value] : model) {
      const auto got = database->get(where, as_bytes(key));
      if (got.ok()) {
        CHECK(as_text(got.value()) == value);
      } else {
        ++lost;
        CHECK(got.error() == StoreError::corrupt);
      }
    }
    CHECK(lost > 0);
    return;
  }
  SUBCASE("the log, among what was synced") {
    file = last(".log");
    REQUIRE(disk.corrupt(file, 30, 0x40));
  }
  SUBCASE("the manifest") {
    file = last("MANIFEST");
    REQUIRE(disk.corrupt(file, 20, 0x40));
  }
  SUBCASE("the manifest, in the length of its first record") {
    file = last("MANIFEST");
    REQUIRE(disk.corrupt(file, 5, 0x40));  // LevelDB alone would take all of it for a torn write
  }
  SUBCASE("CURRENT, so that it names no file") {
    file = "store/CURRENT";
    REQUIRE(disk.corrupt(file, 3, 0x80 | 0x40));
    const auto database = try_database(disk);
    REQUIRE_FALSE(database.ok());
    CHECK(database.error() == StoreError::corrupt);
    CHECK(database.error().message.find("CURRENT") != std::string::npos);
    return;
  }
  SUBCASE("CURRENT, so that it leads out of the database") {
    write(disk, "store/CURRENT", "../other\n");
    const auto database = try_database(disk);
    REQUIRE_FALSE(database.ok());
    CHECK(database.error() == StoreError::corrupt);
    CHECK(database.error().message.find("CURRENT") != std::string::npos);
    return;
  }
  SUBCASE("CURRENT is gone") {
    file = "store/CURRENT";
    REQUIRE(disk.remove(file).ok());
    const auto before = disk.list("store").value();
    const auto database = try_database(disk);
    CHECK(disk.list("store").value() == before);  // above all, no empty database over the remains
  }
  SUBCASE("a table is gone") {
    file = last(".ldb");
    REQUIRE(disk.remove(file).ok());
  }
  const auto database = try_database(disk);
  REQUIRE_FALSE(database.ok());
  CHECK(database.error() == StoreError::corrupt);
  CAPTURE(database.error().message);
  CHECK(database.error().message.find(file) != std::string::npos);
}

TEST_CASE("database: a table that vanishes under it is corrupt, not a missing key") {
  sim::Disk disk;
  const Model model = filled(disk);
  auto database = std::move(try_database(disk)).value();
  const Keyspace where = database->keyspace("k").value();
  const auto names = disk.list("store");
  std::set<std::string> gone;
  for (const std::string& name : names.value()) {
    if (name.ends_with(".ldb")) {
      REQUIRE(disk.remove("store/" + name).ok());
      gone.insert(name);
    }
  }
  REQUIRE_FALSE(gone.empty());
  for (const auto& [key, value] : model) {
    const auto got = database->get(where, as_bytes(key));
    if (got.ok()) CHECK(as_text(got.value()) == value);
    else CHECK(got.error() == StoreError::corrupt);
  }
}

TEST_CASE("database: rows without a format version, or with one that is no number, are refused") {
  sim::Disk disk;
  for (const std::string& key : {std::string("stranger"), std::string("\0format", 7)}) {
    const std::string path = key == "stranger" ? "one" : "two";
    {
      LevelDbEnv env(disk, "store", Background::here);
      SilentLogger logger;
      leveldb::Options options;
      options.env = &env;
      options.info_log = &logger;
      options.create_if_missing = true;
      leveldb::DB* raw = nullptr;
      REQUIRE(leveldb::DB::Open(options, path, &raw).ok());
      const std::unique_ptr<leveldb::DB> database(raw);
      REQUIRE(database->Put({}, key, "five!").ok());
      env.drain();
    }
    const auto refused = Database::open(disk, path, {Background::here});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == StoreError::corrupt);
    CHECK(refused.error().message.find(path + ":") == 0);
  }
}

TEST_CASE("database: whatever byte is flipped, it answers rightly or with an error") {
  sim::Disk first;
  const Model model = filled(first);
  const auto names = first.list("store");
  std::map<std::string, std::string> files;
  for (const std::string& name : names.value()) files[name] = contents(first, "store/" + name);
  base::Random random(21);
  int refused = 0;
  for (std::uint64_t round = 0; round < test::rounds(150, 50); ++round) {
    sim::Disk disk;
    REQUIRE(disk.make_directory("store").ok());
    for (const auto& [name, text] : files) write(disk, "store/" + name, text);
    auto victim = files.begin();
    std::advance(victim, static_cast<std::ptrdiff_t>(random.below(files.size())));
    if (victim->second.empty()) continue;
    const std::uint64_t offset = random.chance(1, 2) ? random.below(std::min<std::size_t>(victim->second.size(), 200))
                                                     : random.below(victim->second.size());
    CAPTURE(victim->first);
    CAPTURE(offset);
    REQUIRE(disk.corrupt("store/" + victim->first, offset, static_cast<std::uint8_t>(1 + random.below(255))));
    auto database = try_database(disk);
    if (!database.ok()) {
      CHECK(database.error() == StoreError::corrupt);
      ++refused;
      continue;
    }
    const auto where = database.value()->keyspace("k");
    if (!where.ok()) continue;
    for (const auto& [key, value] : model) {
      const auto got = database.value()->get(where.value(), as_bytes(key));
      if (got.ok()) REQUIRE(as_text(got.value()) == value);
      else REQUIRE(got.error() == StoreError::corrupt);
    }
  }
  CHECK(refused > 0);
}

}  // namespace
}  // namespace troupe::store
