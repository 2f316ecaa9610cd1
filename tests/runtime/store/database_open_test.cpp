// Opening the database on a disk that fails in the midst of it.
#include <algorithm>

#include "runtime/store/database.hpp"
#include "runtime/store/leveldb_env.hpp"
#include "tests/runtime/store/disks.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::as_text;
using ports::DiskError;
using sim::DiskOperation;

constexpr std::uint64_t kPointsMax = 40;  // more operations of one kind than opening takes

/// Puts one row into a database that is opened and closed for it.
void put_row(ports::Disk& disk, const char* key) {
  auto database = try_database(disk);
  REQUIRE(database.ok());
  const Keyspace where = database.value()->keyspace("k").value();
  Batch batch;
  batch.put(where, as_bytes(key), as_bytes("v"));
  REQUIRE(database.value()->write(batch, Sync::yes).ok());
}

/// The database opens, holds what put_row() has put, and has kept no manifest but the one that it needs.
void check_rows(ports::Disk& disk) {
  auto database = try_database(disk);
  if (!database.ok()) FAIL(database.error().message);
  const Keyspace where = database.value()->keyspace("k").value();
  for (const char* key : {"one", "two"}) {
    const auto got = database.value()->get(where, as_bytes(key));
    REQUIRE(got.ok());
    CHECK(as_text(got.value()) == "v");
  }
  const auto names = disk.list("store").value();
  CHECK(std::count_if(names.begin(), names.end(),
                      [](const std::string& name) { return name.starts_with("MANIFEST-"); }) == 1);
}

TEST_CASE("database: whichever write or sync of an opening fails, it opens later and holds all") {
  enum class After { nothing, crash, second_failure, second_failure_and_crash };
  for (const DiskOperation operation : {DiskOperation::write, DiskOperation::sync}) {
    for (const After after : {After::nothing, After::crash, After::second_failure, After::second_failure_and_crash}) {
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        bool failed = true;
        for (std::uint64_t point = 0; failed; ++point) {
          REQUIRE(point < kPointsMax);
          CAPTURE(operation);
          CAPTURE(after);
          CAPTURE(seed);
          CAPTURE(point);
          base::Random random(seed);
          sim::Disk disk;
          put_row(disk, "one");
          put_row(disk, "two");
          disk.fail(operation, DiskError::io, point);
          failed = !try_database(disk).ok();
          if (after == After::second_failure || after == After::second_failure_and_crash) {
            disk.fail(operation, DiskError::io, random.below(point + 1));
            static_cast<void>(try_database(disk));
          }
          disk.forgive();
          if (after == After::crash || after == After::second_failure_and_crash) disk.crash(random);
          check_rows(disk);
        }
      }
    }
  }
}

TEST_CASE("database: whichever write or sync of its first opening fails, it opens later") {
  for (const DiskOperation operation : {DiskOperation::write, DiskOperation::sync}) {
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
      bool failed = true;
      for (std::uint64_t point = 0; failed; ++point) {
        REQUIRE(point < kPointsMax);
        CAPTURE(operation);
        CAPTURE(seed);
        CAPTURE(point);
        base::Random random(seed);
        sim::Disk disk;
        disk.fail(operation, DiskError::io, point);
        failed = !try_database(disk).ok();
        disk.forgive();
        if (seed > 0) disk.crash(random);
        put_row(disk, "one");
        put_row(disk, "two");
        check_rows(disk);
      }
    }
  }
}

TEST_CASE("leveldb env: no manifest is removed while it is not known which one CURRENT names") {
  sim::Disk disk;
  REQUIRE(disk.make_directory("store").ok());
  LevelDbEnv env(disk, "store", Background::here);
  for (const char* name : {"store/MANIFEST-000002", "store/MANIFEST-000004", "store/000003.log"}) {
    write(disk, name, "text");
  }
  write(disk, "store/CURRENT", "MANIFEST-000002\n");
  write(disk, "store/000004.dbtmp", "MANIFEST-000004\n");
  disk.fail(DiskOperation::sync, DiskError::io);
  REQUIRE_FALSE(env.RenameFile("store/000004.dbtmp", "store/CURRENT").ok());

  CHECK(env.RemoveFile("store/MANIFEST-000002").IsIOError());
  CHECK(env.RemoveFile("store/MANIFEST-000004").IsIOError());
  CHECK(env.RemoveFile("store/000003.log").ok());
  CHECK(disk.size("store/MANIFEST-000002").ok());
  CHECK(disk.size("store/MANIFEST-000004").ok());

  // Once CURRENT has been renamed and synced, they go.
  write(disk, "store/000006.dbtmp", "MANIFEST-000006\n");
  REQUIRE(env.RenameFile("store/000006.dbtmp", "store/CURRENT").ok());
  CHECK(env.RemoveFile("store/MANIFEST-000002").ok());
  CHECK(env.RemoveFile("store/MANIFEST-000004").ok());
}

}  // namespace
}  // namespace troupe::store
