// The database on both disks, and what it refuses.
#include "runtime/store/database.hpp"

#include <map>

#include "tests/runtime/store/disks.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::as_text;

constexpr const char* kPath = "node/store";

/// A disk and the place of background work that goes with it.
struct LinuxThread : OnLinux {
  static constexpr Background kBackground = Background::thread;
};
struct LinuxHere : OnLinux {
  static constexpr Background kBackground = Background::here;
};
struct SimulationHere : InSimulation {
  static constexpr Background kBackground = Background::here;
};

std::unique_ptr<Database> open_database(ports::Disk& disk, Background background) {
  DatabaseOptions options;
  options.background = background;
  auto database = Database::open(disk, kPath, options);
  if (!database.ok()) FAIL(database.error().message);
  return std::move(database).value();
}

Keyspace space(Database& database, std::string_view name) {
  auto keyspace = database.keyspace(name);
  REQUIRE(keyspace.ok());
  return keyspace.value();
}

/// The value as text, or the kind of error.
std::string look(Database& database, const Keyspace& where, std::string_view key) {
  const auto value = database.get(where, as_bytes(key));
  if (value.ok()) return std::string(as_text(value.value()));
  return value.error() == StoreError::not_found ? "(none)" : "(" + value.error().message + ")";
}

void put(Database& database, const Keyspace& where, std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(where, as_bytes(key), as_bytes(value));
  REQUIRE(database.write(batch, Sync::yes).ok());
}

TEST_CASE_TEMPLATE("database: what was written is there, also after it was closed", On, LinuxThread, LinuxHere,
                   SimulationHere) {
  On on;
  {
    auto database = open_database(on.disk(), On::kBackground);
    const Keyspace files = space(*database, "files");
    put(*database, files, "a", "1");
    put(*database, files, "", "empty key");
    put(*database, files, "b", "");
    put(*database, files, "a", "2");
    put(*database, files, "gone", "x");
    Batch erase;
    erase.erase(files, as_bytes("gone")).erase(files, as_bytes("never there"));
    REQUIRE(database->write(erase, Sync::no).ok());
    CHECK(look(*database, files, "gone") == "(none)");
  }
  auto database = open_database(on.disk(), On::kBackground);
  const Keyspace files = space(*database, "files");
  CHECK(look(*database, files, "a") == "2");
  CHECK(look(*database, files, "") == "empty key");
  CHECK(look(*database, files, "b").empty());
  CHECK(look(*database, files, "gone") == "(none)");
}

TEST_CASE_TEMPLATE("database: many compactions later every key has its last value", On, LinuxThread, SimulationHere) {
  On on;
  base::Random random(11);
  std::map<std::string, std::string> model;
  {
    auto database = open_database(on.disk(), On::kBackground);
    const Keyspace where = space(*database, "k");
    for (int i = 0; i < 600; ++i) {
      Batch batch;
      for (int j = 0; j < 20; ++j) {
        const std::string key = std::to_string(random.below(4'000));
        if (random.chance(1, 8)) {
          batch.erase(where, as_bytes(key));
          model.erase(key);
        } else {
          model[key] = std::string(2'000, static_cast<char>('a' + i % 26)) + std::to_string(random.next());
          batch.put(where, as_bytes(key), as_bytes(model[key]));
        }
      }
      REQUIRE(database->write(batch, Sync::no).ok());
    }
  }
  auto database = open_database(on.disk(), On::kBackground);
  const Keyspace where = space(*database, "k");
  auto expected = model.begin();
  base::Bytes from;
  for (;;) {
    const auto slice = database->scan(where, from, 100, 50'000);
    REQUIRE(slice.ok());
    for (const Row& row : slice.value().rows) {
      REQUIRE(expected != model.end());
      CHECK(as_text(row.key) == expected->first);
      CHECK(as_text(row.value) == expected->second);
      ++expected;
    }
    if (!slice.value().next) break;
    from = *slice.value().next;
  }
  CHECK(expected == model.end());
}

TEST_CASE("database: a keyspace does not see the keys of another") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const Keyspace a = space(*database, "a");
  const Keyspace b = space(*database, "b");
  CHECK_FALSE(a == b);
  CHECK(a == space(*database, "a"));
  put(*database, a, "key", "of a");
  put(*database, b, "key", "of b");
  put(*database, b, "other", "of b");
  CHECK(look(*database, a, "key") == "of a");
  CHECK(look(*database, a, "other") == "(none)");
  CHECK(database->scan(a, {}, 10, 1000).value().rows.size() == 1);
  const base::Bytes beyond(kKeyBytesMax, 0xff);
  CHECK(database->scan(a, beyond, 10, 1000).value().rows.empty());
  // The names keep their numbers, whatever the order in which they are asked for later.
  database.reset();
  database = open_database(on.disk(), Background::here);
  CHECK(space(*database, "b") == b);
  CHECK(space(*database, "a") == a);
}

TEST_CASE("database: keyspaces are limited in number and form") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  for (std::size_t i = 0; i < kKeyspacesMax; ++i) REQUIRE(database->keyspace("k" + std::to_string(i)).ok());
  CHECK(database->keyspace("one-more").error() == StoreError::too_large);
  CHECK(database->keyspace("k7").ok());
  for (const std::string& name : {std::string(), std::string("Upper"), std::string("a b"), std::string("a/b"),
                                  std::string(kKeyspaceNameBytesMax + 1, 'a')}) {
    CHECK_THROWS_AS(static_cast<void>(database->keyspace(name)), base::InvariantBroken);
  }
}

TEST_CASE("database: no two keyspaces get one number, though the making of one failed") {
  for (const sim::DiskOperation operation : {sim::DiskOperation::write, sim::DiskOperation::sync}) {
    sim::Disk disk;
    auto database = open_database(disk, Background::here);
    disk.fail(operation, ports::DiskError::io);
    REQUIRE_FALSE(database->keyspace("a").ok());
    // The log of LevelDB has the failed row, which is read as the database is opened anew.
    const Keyspace b = space(*database, "b");
    const Keyspace a = space(*database, "a");
    CHECK_FALSE(a == b);
    put(*database, a, "key", "of a");
    CHECK(look(*database, b, "key") == "(none)");
    database.reset();
    database = open_database(disk, Background::here);
    CHECK(space(*database, "a") == a);
    CHECK(space(*database, "b") == b);
  }
}

TEST_CASE("database: while its device fails it knows the keyspaces that it has") {
  sim::Disk disk;
  auto database = open_database(disk, Background::here);
  const Keyspace a = space(*database, "a");
  disk.fail(sim::DiskOperation::sync, ports::DiskError::io);
  REQUIRE_FALSE(database->keyspace("b").ok());
  disk.fail(sim::DiskOperation::sync, ports::DiskError::io);
  CHECK(space(*database, "a") == a);
  CHECK(database->keyspace("b").error() == StoreError::io);
  CHECK_FALSE(space(*database, "b") == a);
}

TEST_CASE("database: a batch over keyspaces happens as one, its later changes over earlier ones") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const Keyspace a = space(*database, "a");
  const Keyspace b = space(*database, "b");
  Batch batch;
  CHECK(batch.empty());
  batch.put(a, as_bytes("k"), as_bytes("1")).put(b, as_bytes("k"), as_bytes("2")).erase(a, as_bytes("k"));
  batch.put(b, as_bytes("k"), as_bytes("3"));
  CHECK_FALSE(batch.empty());
  REQUIRE(database->write(batch, Sync::yes).ok());
  CHECK(look(*database, a, "k") == "(none)");
  CHECK(look(*database, b, "k") == "3");
  CHECK(database->write(Batch(), Sync::yes).ok());
}

TEST_CASE("database: each limit holds at its edge and refuses one beyond, writing nothing") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const Keyspace where = space(*database, "k");
  const base::Bytes key(kKeyBytesMax, 'k');
  const base::Bytes value(kValueBytesMax, 'v');
  const auto refused = [&](const Batch& batch) {
    const auto written = database->write(batch, Sync::yes);
    return !written.ok() && written.error() == StoreError::too_large;
  };
  SUBCASE("a key and a value") {
    Batch batch;
    batch.put(where, key, value);
    REQUIRE(database->write(batch, Sync::yes).ok());
    CHECK(database->get(where, key).value() == value);
  }
  SUBCASE("one byte more of key") {
    Batch batch;
    batch.put(where, as_bytes("ok"), {}).put(where, base::Bytes(kKeyBytesMax + 1, 'k'), {});
    CHECK(refused(batch));
    CHECK(look(*database, where, "ok") == "(none)");
  }
  SUBCASE("one byte more of a key to erase") {
    Batch batch;
    batch.erase(where, base::Bytes(kKeyBytesMax + 1, 'k'));
    CHECK(refused(batch));
  }
  SUBCASE("one byte more of value") {
    Batch batch;
    batch.put(where, as_bytes("k"), base::Bytes(kValueBytesMax + 1, 'v'));
    CHECK(refused(batch));
  }
  SUBCASE("a whole batch") {
    Batch batch;
    for (char i = 'a'; i < 'd'; ++i) batch.put(where, as_bytes(std::string(1, i)), value);
    batch.put(where, as_bytes("d"), base::ByteView(value).first(kValueBytesMax - 4 * (kChangeBytesExtra + 1)));
    CHECK(batch.bytes() == kBatchBytesMax);
    Batch larger = batch;
    larger.erase(where, {});
    CHECK(refused(larger));
    CHECK(look(*database, where, "a") == "(none)");
    REQUIRE(database->write(batch, Sync::yes).ok());
    CHECK(database->get(where, as_bytes("c")).value() == value);
  }
  SUBCASE("a group with one bad batch") {
    std::vector<Batch> group(2);
    group[0].put(where, as_bytes("ok"), {});
    group[1].put(where, base::Bytes(kKeyBytesMax + 1, 'k'), {});
    CHECK(database->write_group(group).error() == StoreError::too_large);
    CHECK(look(*database, where, "ok") == "(none)");
  }
}

TEST_CASE("database: a scan gives slices in order, and where to go on") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const Keyspace where = space(*database, "k");
  Batch batch;
  for (const char* key : {"a", "b/1", "b/2", "b/3", "c", "\xff\xff"})
    batch.put(where, as_bytes(key), as_bytes("0123456789"));
  REQUIRE(database->write(batch, Sync::yes).ok());
  const auto keys = [&](std::string_view from, std::size_t rows, std::size_t bytes, std::string_view prefix = "") {
    const auto slice = database->scan(where, as_bytes(from), rows, bytes, as_bytes(prefix));
    REQUIRE(slice.ok());
    std::string out;
    for (const Row& row : slice.value().rows) out += std::string(as_text(row.key)) + " ";
    return out + (slice.value().next ? "-> " + std::string(as_text(*slice.value().next)) : ".");
  };
  CHECK(keys("", 10, 1000) == "a b/1 b/2 b/3 c \xff\xff .");
  CHECK(keys("", 2, 1000) == "a b/1 -> b/2");
  CHECK(keys("b/2", 2, 1000) == "b/2 b/3 -> c");
  CHECK(keys("b/2x", 1, 1000) == "b/3 -> c");
  CHECK(keys("", 10, 11 + 13) == "a b/1 -> b/2");
  CHECK(keys("", 10, 11 + 12) == "a -> b/1");
  CHECK(keys("", 10, 0) == "a -> b/1");
  CHECK(keys("", 0, 1000) == "a -> b/1");
  CHECK(keys("", 10, 1000, "b/") == "b/1 b/2 b/3 .");
  CHECK(keys("b/2", 1, 1000, "b/") == "b/2 -> b/3");
  CHECK(keys("c", 10, 1000, "b/") == ".");
  CHECK(keys("", 10, 1000, "\xff") == "\xff\xff .");
  CHECK(keys("\xff\xff\xff", 10, 1000) == ".");
}

TEST_CASE("database: a scan is limited however much is asked for") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const Keyspace where = space(*database, "k");
  for (int part = 0; part < 2; ++part) {
    Batch batch;
    for (std::size_t i = 0; i < kScanRowsMax; ++i)
      batch.put(where, as_bytes(std::to_string(part) + std::to_string(i)), {});
    REQUIRE(database->write(batch, Sync::no).ok());
  }
  CHECK(database->scan(where, {}, SIZE_MAX, SIZE_MAX).value().rows.size() == kScanRowsMax);
}

TEST_CASE("database: a group of batches shares one sync") {
  sim::Disk disk;
  auto database = open_database(disk, Background::here);
  const Keyspace where = space(*database, "k");
  const auto count = [&](auto write) {
    const std::uint64_t before = disk.operations();
    write();
    return disk.operations() - before;
  };
  std::vector<Batch> group(100);
  for (std::size_t i = 0; i < group.size(); ++i) group[i].put(where, as_bytes(std::to_string(i)), as_bytes("v"));
  CHECK(count([&] { REQUIRE(database->write_group(group).ok()); }) == 3);  // append, sync, entry of synced_files.hpp
  CHECK(count([&] { REQUIRE(database->write(group[0], Sync::no).ok()); }) == 1);
  CHECK(look(*database, where, "99") == "v");
  CHECK(database->write_group({}).ok());

  // A group that is larger than one record of the log is still durable as a whole.
  std::vector<Batch> large(5);
  for (std::size_t i = 0; i < large.size(); ++i) {
    for (int j = 0; j < 3; ++j) {
      large[i].put(where, as_bytes("large" + std::to_string(i * 3 + j)), base::Bytes(kValueBytesMax, 'v'));
    }
  }
  REQUIRE(database->write_group(large).ok());
  base::Random random(1);
  disk.crash(random);
  database.reset();
  database = open_database(disk, Background::here);
  const Keyspace again = space(*database, "k");
  for (int i = 0; i < 15; ++i) CHECK(look(*database, again, "large" + std::to_string(i)).size() == kValueBytesMax);
}

TEST_CASE("database: only one holder at a time") {
  InSimulation on;
  auto database = open_database(on.disk(), Background::here);
  const auto second = Database::open(on.disk(), kPath, {Background::here});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error() == StoreError::locked);
  CHECK(second.error().message.find("node/store/LOCK") != std::string::npos);
  database.reset();
  CHECK(Database::open(on.disk(), kPath, {Background::here}).ok());
}

TEST_CASE("database: an older format is migrated, step by step and once") {
  InSimulation on;
  {
    auto database = open_database(on.disk(), Background::here);
    put(*database, space(*database, "k"), "value", "1");
  }
  std::string steps;
  const auto step = [&steps](const char* name) {
    return [&steps, name](Database& database) -> StoreResult<void> {
      steps += name;
      const Keyspace where = space(database, "k");
      put(database, where, "value", look(database, where, "value") + name);
      return {};
    };
  };
  DatabaseOptions third{Background::here, 3, {{2, step("b")}, {1, step("a")}}};
  SUBCASE("all steps are there") {
    for (int i = 0; i < 2; ++i) {
      const auto database = Database::open(on.disk(), kPath, third);
      REQUIRE(database.ok());
      CHECK(look(*database.value(), space(*database.value(), "k"), "value") == "1ab");
    }
    CHECK(steps == "ab");
    const auto older = Database::open(on.disk(), kPath, {Background::here});
    REQUIRE_FALSE(older.ok());
    CHECK(older.error() == StoreError::format_newer);
    CHECK(older.error().message == "node/store: stored in format 3; this version reads format 1");
  }
  SUBCASE("a step is missing") {
    third.migrations.erase(third.migrations.begin());
    const auto refused = Database::open(on.disk(), kPath, third);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error() == StoreError::format_newer);
    CHECK(refused.error().message ==
          "node/store: stored in format 2; this version reads format 3 and cannot migrate the stored format");
  }
  SUBCASE("a step fails and is taken again") {
    third.migrations[0].run = [](Database&) -> StoreResult<void> { return StoreError{StoreError::io, "broken"}; };
    CHECK(Database::open(on.disk(), kPath, third).error() == StoreError::io);
    third.migrations[0].run = step("c");
    CHECK(Database::open(on.disk(), kPath, third).ok());
    CHECK(steps == "ac");
  }
}

TEST_CASE("database: a path that is none is refused") {
  InSimulation on;
  CHECK(Database::open(on.disk(), "../store", {Background::here}).error() == StoreError::io);
  write(on.disk(), "file", "x");
  CHECK(Database::open(on.disk(), "file", {Background::here}).error() == StoreError::io);
  CHECK(contents(on.disk(), "file") == "x");
}

}  // namespace
}  // namespace troupe::store
