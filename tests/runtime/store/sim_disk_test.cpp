// What the simulated disk forgets, refuses and breaks.
#include <set>

#include "tests/runtime/store/disks.hpp"

namespace troupe {
namespace {

using ports::DiskError;
using ports::OpenMode;
using sim::DiskOperation;

TEST_CASE("sim disk: a directory that somebody removes refuses each change until the process has ended") {
  sim::Disk disk;
  write(disk, "a", "old");
  REQUIRE(disk.sync_directory(".").ok());
  auto file = disk.open("a", OpenMode::append);
  CHECK_FALSE(disk.lost().has_value());
  disk.lose();
  CHECK(disk.lost().has_value());
  CHECK(file.value()->append(base::as_bytes("new")).error() == DiskError::gone);
  CHECK(file.value()->sync().error() == DiskError::gone);
  CHECK(disk.open("b", OpenMode::create).error() == DiskError::gone);
  CHECK(disk.remove("a").error() == DiskError::gone);
  CHECK(disk.free_bytes().error() == DiskError::gone);
  CHECK(contents(disk, "a") == "old");
  base::Random random(1);
  SUBCASE("by a crash") { disk.crash(random); }
  SUBCASE("by its end") { disk.revoke(); }
  CHECK_FALSE(disk.lost().has_value());
  CHECK(contents(disk, "a") == "old");
  write(disk, "b", "new");
}

TEST_CASE("sim disk: what was synced survives every crash, and the rest in each way it can") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Random random(seed);
    sim::Disk disk;
    auto file = disk.open("a", OpenMode::create);
    REQUIRE(disk.sync_directory(".").ok());
    REQUIRE(file.value()->append(base::as_bytes("ab")).ok());
    REQUIRE(file.value()->sync().ok());
    REQUIRE(file.value()->append(base::as_bytes("cd")).ok());
    disk.crash(random);
    seen.insert(contents(disk, "a"));
  }
  CHECK(seen == std::set<std::string>{"ab", "abc", "abcd"});
}

TEST_CASE("sim disk: a file that was written durably survives every crash, also in a folder") {
  for (const std::string name : {"a", "d/a", "d/e/a"}) {
    CAPTURE(name);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      base::Random random(seed);
      sim::Disk disk;
      REQUIRE(store::make_durable_directory(disk, "d/e").ok());
      for (const std::string text : {"old", "new"}) {
        REQUIRE(ports::write_durably(disk, name, base::as_bytes(text)).ok());
        disk.crash(random);
        CHECK(contents(disk, name) == text);
      }
    }
  }
}

TEST_CASE("sim disk: an unsynced truncate may come undone") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Random random(seed);
    sim::Disk disk;
    write(disk, "a", "abcd");
    REQUIRE(disk.sync_directory(".").ok());
    auto file = disk.open("a", OpenMode::append);
    REQUIRE(file.value()->truncate(3).ok());
    REQUIRE(file.value()->truncate(1).ok());
    REQUIRE(file.value()->append(base::as_bytes("X")).ok());
    disk.crash(random);
    seen.insert(contents(disk, "a"));
  }
  CHECK(seen == std::set<std::string>{"a", "aX", "abcd"});
}

TEST_CASE("sim disk: names are kept or lost until their directory is synced, a rename as one change") {
  std::set<std::vector<std::string>> seen;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    base::Random random(seed);
    sim::Disk disk;
    write(disk, "old", "o");
    write(disk, "gone", "g");
    REQUIRE(disk.sync_directory(".").ok());
    REQUIRE(disk.rename("old", "new").ok());
    REQUIRE(disk.remove("gone").ok());
    disk.crash(random);
    seen.insert(disk.list(".").value());
  }
  CHECK(seen == std::set<std::vector<std::string>>{{"gone", "new"}, {"gone", "old"}, {"new"}, {"old"}});
}

TEST_CASE("sim disk: a synced directory keeps its names, and those of a file that came from elsewhere") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::Random random(seed);
    sim::Disk disk;
    REQUIRE(disk.make_directory("d/e").ok());
    REQUIRE(disk.sync_directory(".").ok());
    REQUIRE(disk.sync_directory("d").ok());
    write(disk, "d/a", "A");
    REQUIRE(disk.rename("d/a", "d/e/b").ok());
    REQUIRE(disk.sync_directory("d/e").ok());
    disk.crash(random);
    CHECK(disk.list("d").value() == std::vector<std::string>{"e"});
    CHECK(contents(disk, "d/e/b") == "A");
  }
}

TEST_CASE("sim disk: the same seed survives in the same way") {
  const auto run = [](std::uint64_t seed) {
    base::Random random(seed);
    sim::Disk disk;
    std::string state;
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 10; ++i) {
        auto file = disk.open("f" + std::to_string(random.below(6)), OpenMode::append);
        REQUIRE(file.value()->append(base::as_bytes("0123456789")).ok());
        if (random.chance(1, 3)) REQUIRE(file.value()->sync().ok());
        if (random.chance(1, 4)) REQUIRE(disk.sync_directory(".").ok());
      }
      disk.crash(random);
      const auto names = disk.list(".");
      for (const std::string& name : names.value()) state += name + "=" + contents(disk, name) + ";";
    }
    return state;
  };
  CHECK(run(7) == run(7));
  CHECK(run(7) != run(8));
}

TEST_CASE("sim disk: a crash releases locks and ends what was open") {
  base::Random random(1);
  sim::Disk disk;
  auto file = disk.open("a", OpenMode::append);
  auto lock = disk.lock("LOCK");
  REQUIRE(lock.ok());
  disk.crash(random);
  CHECK(file.value()->append(base::as_bytes("x")).error() == DiskError::io);
  CHECK(file.value()->size().error() == DiskError::io);
  auto again = disk.lock("LOCK");
  REQUIRE(again.ok());
  std::move(lock).value().reset();  // an old holder that ends late releases nothing
  CHECK(disk.lock("LOCK").error() == DiskError::locked);
}

TEST_CASE("sim disk: beyond its capacity a write stores what fits and says no_space") {
  sim::Disk disk(10);
  auto file = disk.open("a", OpenMode::append);
  REQUIRE(file.value()->append(base::as_bytes("123456")).ok());
  CHECK(disk.free_bytes().value() == 4);
  CHECK(file.value()->append(base::as_bytes("abcdef")).error() == DiskError::no_space);
  CHECK(contents(disk, "a") == "123456abcd");
  CHECK(disk.free_bytes().value() == 0);
  REQUIRE(file.value()->truncate(6).ok());
  CHECK(disk.free_bytes().value() == 4);
  REQUIRE(disk.remove("a").ok());
  CHECK(disk.free_bytes().value() == 10);
  disk.set_capacity(0);
  CHECK(disk.free_bytes().value() == 0);
}

TEST_CASE("sim disk: a planned fault hits its operation once, at its turn") {
  sim::Disk disk;
  auto file = disk.open("a", OpenMode::append);
  disk.fail(DiskOperation::write, DiskError::io, 1);
  REQUIRE(file.value()->append(base::as_bytes("ab")).ok());
  CHECK(file.value()->append(base::as_bytes("cdef")).error() == DiskError::io);
  CHECK(contents(disk, "a") == "abcd");
  REQUIRE(file.value()->append(base::as_bytes("g")).ok());
  disk.fail(DiskOperation::sync, DiskError::no_space);
  CHECK(file.value()->sync().error() == DiskError::no_space);
  CHECK(file.value()->sync().ok());
  disk.fail(DiskOperation::read, DiskError::io);
  std::uint8_t byte = 0;
  CHECK(file.value()->read(0, {&byte, 1}).error() == DiskError::io);
  CHECK(file.value()->read(0, {&byte, 1}).ok());
  CHECK(disk.corrupt("a", 0, 0x01));
  CHECK(contents(disk, "a") == "`bcdg");
  CHECK_FALSE(disk.corrupt("a", 5, 0x01));
  CHECK_FALSE(disk.corrupt("missing", 0, 0x01));
}

TEST_CASE("sim disk: after the power failed nothing answers until it is back") {
  base::Random random(1);
  sim::Disk disk;
  write(disk, "a", "kept");
  REQUIRE(disk.sync_directory(".").ok());
  const std::uint64_t before = disk.operations();
  disk.halt_after(2);
  auto file = disk.open("a", OpenMode::append);
  REQUIRE(file.value()->append(base::as_bytes("1")).ok());
  REQUIRE(file.value()->sync().ok());
  CHECK(disk.list(".").ok());
  CHECK(file.value()->append(base::as_bytes("2")).error() == DiskError::io);
  CHECK(disk.list(".").error() == DiskError::io);
  CHECK(disk.operations() == before + 2);
  disk.crash(random);
  CHECK(contents(disk, "a") == "kept1");
}

}  // namespace
}  // namespace troupe
