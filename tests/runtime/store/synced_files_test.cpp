// Databases whose files were cut, emptied or removed after they were synced.
#include <functional>
#include <vector>

#include "runtime/base/random.hpp"
#include "tests/runtime/store/disks.hpp"

namespace troupe::store {
namespace {

using ports::OpenMode;

/// A database with some synced rows, closed.
void fill(ports::Disk& disk, int rows = 20, std::size_t bytes = 100) {
  auto database = try_database(disk);
  REQUIRE(database.ok());
  const auto where = database.value()->keyspace("rows");
  REQUIRE(where.ok());
  for (int i = 0; i < rows; ++i) {
    Batch batch;
    batch.put(where.value(), base::as_bytes("key" + std::to_string(i)), base::Bytes(bytes, 7));
    REQUIRE(database.value()->write(batch, Sync::yes).ok());
  }
}

std::string file_with(ports::Disk& disk, std::string_view part) {
  const auto names = disk.list("store");
  REQUIRE(names.ok());
  for (const std::string& name : names.value())
    if (name.find(part) != std::string::npos) return "store/" + name;
  FAIL("no such file");
  return {};
}

void cut(ports::Disk& disk, const std::string& path, std::uint64_t bytes) {
  auto file = disk.open(path, OpenMode::append);
  REQUIRE(file.ok());
  REQUIRE(file.value()->truncate(bytes).ok());
  REQUIRE(file.value()->sync().ok());
}

/// Why the database cannot be opened; empty if it can.
std::string refusal(ports::Disk& disk) {
  const auto opened = try_database(disk);
  if (opened.ok()) return {};
  CHECK(opened.error() == StoreError::corrupt);
  return opened.error().message;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE_TEMPLATE("database: a log or manifest that lost synced bytes is damage", On, OnLinux, InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  fill(disk);
  std::string path = file_with(disk, ".log");
  const std::uint64_t bytes = disk.size(path).value();
  std::string what;
  SUBCASE("emptied") {
    cut(disk, path, 0);
    what = ": 0 bytes are left, and " + std::to_string(bytes) + " bytes of it were stored";
  }
  SUBCASE("cut in half") {
    cut(disk, path, bytes / 2);
    what = ": " + std::to_string(bytes / 2) + " bytes are left";
  }
  SUBCASE("cut by its last record") {
    cut(disk, path, bytes - 1);
    what = ": " + std::to_string(bytes - 1) + " bytes are left";
  }
  SUBCASE("zeros") {
    write(disk, path, std::string(bytes, '\0'));
    what = ": from byte 0 on it is damaged";
  }
  SUBCASE("zeros in its second half") {
    const std::string all = contents(disk, path);
    write(disk, path, all.substr(0, bytes / 2) + std::string(bytes - bytes / 2, '\0'));
    what = " on it is damaged";
  }
  SUBCASE("missing") {
    REQUIRE(disk.remove(path).ok());
    what = ": the file is missing";
  }
  SUBCASE("the manifest, cut in half") {
    path = file_with(disk, "MANIFEST-");
    cut(disk, path, disk.size(path).value() / 2);
    what = " bytes are left";
  }
  SUBCASE("all of its directory") {
    REQUIRE(ports::remove_tree(disk, "store").ok());
    what = ": the file is missing";
  }
  const std::string why = refusal(disk);
  CHECK(why.starts_with(path + ": "));
  CHECK(has(why, what));
  CHECK(has(why, "remove store.synced"));
  CHECK(refusal(disk) == why);  // and stays
}

TEST_CASE("database: an operator can give up what a cut log has lost") {
  InSimulation on;
  fill(on.disk());
  cut(on.disk(), file_with(on.disk(), ".log"), 0);
  REQUIRE(on.disk().remove("store.synced").ok());
  CHECK(refusal(on.disk()).empty());
}

TEST_CASE("database: a first row of some bytes is missed once its log is emptied") {
  InSimulation on;
  fill(on.disk(), 1, 1);
  cut(on.disk(), file_with(on.disk(), ".log"), 0);
  CHECK(has(refusal(on.disk()), ": 0 bytes are left"));
}

TEST_CASE("database: unsynced rows that a crash takes do not count as damage") {
  sim::Disk disk;
  fill(disk);
  {
    auto database = try_database(disk);
    REQUIRE(database.ok());
    const auto where = database.value()->keyspace("rows");
    for (int i = 0; i < 20; ++i) {
      Batch batch;
      batch.put(where.value(), base::as_bytes("more" + std::to_string(i)), base::Bytes(100, 7));
      REQUIRE(database.value()->write(batch, Sync::no).ok());
    }
    base::Random random(3);
    disk.crash(random);
  }
  CHECK(refusal(disk).empty());
}

TEST_CASE("database: a crash at any operation, also of a start and of a new log, does no damage") {
  // Rows of 1 MiB begin a new log every few of them, and the table of the old log is written in between.
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    sim::Disk disk;
    for (int life = 0; life < 4; ++life) {
      if (random.chance(3, 4)) disk.halt_after(random.below(life == 0 ? 60 : 120));
      if (auto database = try_database(disk); database.ok()) {
        const auto where = database.value()->keyspace("rows");
        for (std::uint64_t i = 0; where.ok() && i < random.below(14); ++i) {
          Batch batch;
          batch.put(where.value(), base::as_bytes("key" + std::to_string(i)),
                    base::Bytes(random.chance(1, 2) ? 700'000 : 10, 7));
          static_cast<void>(database.value()->write(batch, random.chance(1, 2) ? Sync::yes : Sync::no));
        }
      }
      disk.crash(random);
      const std::string why = refusal(disk);
      CHECK(why == "");
    }
  }
}

TEST_CASE("database: a record of synced files that is damaged or missing requires nothing") {
  InSimulation on;
  ports::Disk& disk = on.disk();
  fill(disk);
  const std::string record = contents(disk, "store.synced");
  SUBCASE("missing") { REQUIRE(disk.remove("store.synced").ok()); }
  SUBCASE("empty") { write(disk, "store.synced", ""); }
  SUBCASE("cut") { write(disk, "store.synced", record.substr(0, record.size() - 1)); }
  SUBCASE("zeros at its end") {
    write(disk, "store.synced", record.substr(0, record.size() - 10) + std::string(10, '\0'));
  }
  SUBCASE("another text") { write(disk, "store.synced", "hello"); }
  CHECK(refusal(disk).empty());
  CHECK(refusal(disk).empty());
  cut(disk, file_with(disk, "MANIFEST-"), 1);  // it is kept again
  CHECK(has(refusal(disk), "1 bytes are left"));
}

TEST_CASE("database: a record that a program without it has left behind requires nothing") {
  InSimulation on;
  ports::Disk& disk = on.disk();
  fill(disk);
  const std::string old = contents(disk, "store.synced");
  REQUIRE(refusal(disk).empty());  // the next start has another log and manifest
  write(disk, "store.synced", old);
  CHECK(refusal(disk).empty());
}

TEST_CASE("database: a full device neither fails for the record nor makes it wrong") {
  sim::Disk disk;
  fill(disk);
  {
    auto database = try_database(disk);
    REQUIRE(database.ok());
    const auto where = database.value()->keyspace("rows");
    for (int round = 0; round < 30; ++round) {
      disk.set_capacity(disk.used_bytes() + static_cast<std::uint64_t>(round) * 40'000);
      Batch batch;
      batch.put(where.value(), base::as_bytes("key" + std::to_string(round)), base::Bytes(600'000, 7));
      static_cast<void>(database.value()->write(batch, Sync::yes));
      disk.set_capacity(sim::kDiskBytes);
      if (round % 3 == 0) static_cast<void>(database.value()->write(batch, Sync::yes));
    }
  }
  CHECK(refusal(disk).empty());
  base::Random random(1);
  disk.crash(random);
  CHECK(refusal(disk).empty());
}

}  // namespace
}  // namespace troupe::store
