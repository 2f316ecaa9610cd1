// Faults of a simulated disk that last, decay, or change what lies there. What a crash keeps: tests/runtime/store.
#include <map>
#include <set>

#include "runtime/sim/content.hpp"
#include "tests/runtime/store/disks.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ports::DiskError;
using ports::OpenMode;
using sim::Disk;
using sim::DiskView;

void write_durable(Disk& disk, std::string_view path, std::string_view text) {
  write(disk, path, text);
  REQUIRE(disk.sync_directory(".").ok());
}

TEST_CASE("sim disk: a file that is cut has lost its end on the device, too") {
  Disk disk;
  base::Random random(1);
  const auto is_log = [](std::string_view path) { return path.ends_with(".log"); };
  CHECK_FALSE(disk.cut(random, 500, is_log).has_value());
  write_durable(disk, "a.log", "12345678");
  write_durable(disk, "b", "12345678");
  CHECK(disk.cut(random, 500, is_log) == "a.log");
  CHECK(contents(disk, "a.log") == "1234");
  CHECK(disk.used_bytes() == 12);
  disk.crash(random);
  CHECK(contents(disk, "a.log") == "1234");
  CHECK(disk.cut(random, 0, is_log) == "a.log");
  CHECK(contents(disk, "a.log").empty());
  CHECK_FALSE(disk.cut(random, 0, is_log).has_value());
  CHECK(contents(disk, "b") == "12345678");
}

TEST_CASE("sim disk: a copy has the files of its moment, all of them durable") {
  Disk disk;
  base::Random random(1);
  REQUIRE(disk.make_directory("d").ok());
  write(disk, "d/a", "unsynced");
  const auto copy = disk.copy();
  write(disk, "d/b", "later");
  copy->crash(random);
  CHECK(contents(*copy, "d/a") == "unsynced");
  CHECK(copy->list("d").value().size() == 1);
  CHECK(copy->used_bytes() == 8);
  disk.swap(*copy);
  CHECK(disk.list("d").value().size() == 1);
  write(disk, "d/a", "other");
  CHECK(disk.used_bytes() != copy->used_bytes());
}

TEST_CASE("sim disk: the bytes in use are those of the files that have a name") {
  base::Random random(5);
  Disk disk;
  REQUIRE(disk.make_directory("d").ok());
  const auto in_use = [&] {
    std::uint64_t sum = 0;
    for (const std::string where : {".", "d"}) {
      const auto names = disk.list(where);
      for (const std::string& name : names.value())
        if (name != "d") sum += disk.size(where == "d" ? "d/" + name : name).value();
    }
    return sum;
  };
  std::vector<std::unique_ptr<ports::File>> open;  // some of them of files that lose their names
  const auto any = [&] { return (random.chance(1, 2) ? "d/" : "") + std::to_string(random.below(4)); };
  for (int i = 0; i < 3'000; ++i) {
    switch (random.below(8)) {
      case 0: open.push_back(disk.open(any(), OpenMode::append).value()); break;
      case 1: open.push_back(disk.open(any(), OpenMode::replace).value()); break;
      case 2: static_cast<void>(disk.remove(any())); break;
      case 3: static_cast<void>(disk.rename(any(), any())); break;
      case 4: static_cast<void>(disk.sync_directory(random.chance(1, 2) ? "." : "d")); break;
      case 5:
        if (!open.empty()) static_cast<void>(open[random.below(open.size())]->fill(random.below(100), 1));
        break;
      case 6:
        if (!open.empty()) static_cast<void>(open[random.below(open.size())]->truncate(random.below(20)));
        break;
      default:
        if (!open.empty()) static_cast<void>(open[random.below(open.size())]->append(base::as_bytes("0123456789")));
    }
    if (random.chance(1, 100)) {
      disk.crash(random);
      open.clear();
      REQUIRE(disk.make_directory("d").ok());
    }
    REQUIRE(disk.used_bytes() == in_use());
    REQUIRE(disk.free_bytes().value() == sim::kDiskBytes - in_use());
  }
}

TEST_CASE("sim disk: filler takes room and no memory, and survives a crash as bytes do") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    base::Random random(seed);
    Disk disk(10'000'000);
    write_durable(disk, "a", "");
    auto file = disk.open("a", OpenMode::append).value();
    REQUIRE(file->fill(4'000'000, 1).ok());
    REQUIRE(file->sync().ok());
    REQUIRE(file->fill(4'000'000, 1).ok());
    CHECK(file->fill(4'000'000, 1).error() == DiskError::no_space);
    CHECK(file->size().value() == 10'000'000);
    REQUIRE(file->truncate(3'000'000).ok());
    CHECK(disk.free_bytes().value() == 7'000'000);
    CHECK(disk.real_bytes() == 0);
    disk.crash(random);
    seen.insert(disk.size("a").value());
  }
  CHECK(seen == std::set<std::uint64_t>{3'000'000, 4'000'000});

  Disk disk;
  auto file = disk.open("a", OpenMode::append).value();
  REQUIRE(file->append(base::as_bytes("ab")).ok());
  REQUIRE(file->fill(2, 1).ok());
  REQUIRE(file->append(base::as_bytes("cd")).ok());
  CHECK(contents(disk, "a") == std::string("ab\0\0cd", 6));
  CHECK(disk.real_bytes() == 6);
  CHECK(disk.open("a", OpenMode::read).value()->fill(1, 1).error() == DiskError::denied);
}

TEST_CASE("sim disk: a lying sync answers well, and the power decides what there is") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Random random(seed);
    Disk disk;
    write_durable(disk, "a", "old");
    disk.lie(true);
    auto file = disk.open("a", OpenMode::append).value();
    REQUIRE(file->append(base::as_bytes("new")).ok());
    REQUIRE(file->sync().ok());
    write(disk, "b", "b");
    REQUIRE(disk.sync_directory(".").ok());
    disk.crash(random);
    std::string state = contents(disk, "a");
    if (disk.size("b").ok()) state += " " + contents(disk, "b");
    seen.insert(state);
    write(disk, "a", "honest again");
    disk.crash(random);
    CHECK(contents(disk, "a") == "honest again");
  }
  CHECK(seen.contains("old"));
  CHECK(seen.contains("oldnew b"));
  CHECK(seen.contains("oldne"));

  base::Random random(1);
  Disk disk;
  write_durable(disk, "a", "old");
  disk.lie(true);
  auto file = disk.open("a", OpenMode::append).value();
  REQUIRE(file->append(base::as_bytes("new")).ok());
  REQUIRE(file->sync().ok());
  disk.lie(false);
  REQUIRE(file->sync().ok());
  disk.crash(random);
  CHECK(contents(disk, "a") == "oldnew");
}

TEST_CASE("sim disk: what a sync failed to write stays readable, and no later sync makes it durable") {
  const std::string first(1'000, 'a'), refused(2 * sim::kPageBytes, 'b'), last(1'000, 'c');
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Random random(seed);
    Disk disk;
    write_durable(disk, "a", first);
    auto file = disk.open("a", OpenMode::append).value();
    REQUIRE(file->append(base::as_bytes(refused)).ok());
    disk.fail(sim::DiskOperation::sync, DiskError::io);
    CHECK(file->sync().error() == DiskError::io);
    CHECK(contents(disk, "a") == first + refused);
    REQUIRE(file->append(base::as_bytes(last)).ok());
    REQUIRE(file->sync().ok());
    disk.revoke();  // the process ends: what the system keeps in memory stays
    CHECK(contents(disk, "a") == first + refused + last);
    disk.crash(random);
    const std::string left = contents(disk, "a");
    REQUIRE(left.size() == first.size() + refused.size() + last.size());
    CHECK(left.starts_with(first));
    CHECK(left.ends_with(last));
    const std::string middle = left.substr(first.size(), refused.size());
    CHECK(middle.find_first_not_of(std::string("b\0", 2)) == middle.npos);
    std::string pages;  // the first and the last of these three are not whole
    for (const std::size_t at : {std::size_t{0}, sim::kPageBytes - first.size(), 2 * sim::kPageBytes - first.size()})
      pages += middle[at] == 'b' ? 'b' : '0';
    seen.insert(pages);
    disk.crash(random);
    CHECK(contents(disk, "a") == left);
  }
  CHECK(seen.size() == 8);
}

TEST_CASE("sim disk: what is cut off and written again is durable, whatever a sync has refused before") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::Random random(seed);
    Disk disk;
    write_durable(disk, "a", "old");
    auto file = disk.open("a", OpenMode::append).value();
    REQUIRE(file->append(base::as_bytes("refused")).ok());
    disk.fail(sim::DiskOperation::sync, DiskError::io);
    CHECK_FALSE(file->sync().ok());
    REQUIRE(file->truncate(3).ok());
    REQUIRE(file->append(base::as_bytes("written")).ok());
    REQUIRE(file->sync().ok());
    disk.crash(random);
    CHECK(contents(disk, "a") == "oldwritten");
  }
}

TEST_CASE("sim disk: a slow one adds up what each operation costs") {
  base::Random random(1);
  Disk disk;
  write(disk, "a", "abc");
  CHECK(disk.owed() == 0s);
  disk.slow(2ms);
  const auto file = disk.open("a", OpenMode::append).value();
  REQUIRE(file->append(base::as_bytes("x")).ok());
  REQUIRE(file->sync().ok());
  std::uint8_t byte = 0;
  REQUIRE(file->read(0, {&byte, 1}).ok());
  CHECK(disk.owed() == 8ms);
  CHECK(disk.take_owed() == 8ms);
  CHECK(disk.owed() == 0s);
  disk.crash(random);
  REQUIRE(disk.list(".").ok());
  CHECK(disk.take_owed() == 2ms);
  disk.slow(-2ms);
  REQUIRE(disk.list(".").ok());
  CHECK(disk.owed() == 0s);
}

TEST_CASE("sim disk: rot changes one durable byte of any file that is not exempt, the same one each time") {
  const auto fresh = [] {
    auto disk = std::make_unique<Disk>();
    REQUIRE(disk->make_directory("d").ok());
    REQUIRE(disk->sync_directory(".").ok());
    write_durable(*disk, "LOCK", "keep");
    write(*disk, "d/small", "s");
    REQUIRE(disk->sync_directory("d").ok());
    write_durable(*disk, "large", std::string(1'000, 'l'));
    REQUIRE(disk->open("large", OpenMode::append).value()->append(base::as_bytes("unsynced")).ok());
    REQUIRE(disk->open("large", OpenMode::append).value()->fill(1'000, 1).ok());
    return disk;
  };
  const auto exempt = [](std::string_view path) { return path == "LOCK"; };
  const auto image = [](Disk& disk) { return contents(disk, "d/small") + contents(disk, "large"); };
  std::map<std::string, int> hit;
  for (std::uint64_t which = 0; which < 200; ++which) {
    const auto one = fresh(), other = fresh();
    const std::string before = image(*one);
    const auto rotten = one->rot(which, exempt);
    REQUIRE(rotten);
    CHECK(rotten == other->rot(which, exempt));
    CHECK(image(*one) == image(*other));
    CHECK(contents(*one, "LOCK") == "keep");
    ++hit[rotten->path];
    const std::size_t at = rotten->offset + (rotten->path == "large" ? 1 : 0);
    CHECK(rotten->offset < 1'000);
    std::string after = image(*one);
    CHECK(after[at] != before[at]);
    after[at] = before[at];
    CHECK(after == before);
    base::Random power(which);
    one->crash(power);
    const std::string left = contents(*one, rotten->path);
    CHECK(left[rotten->offset] != before[at]);
  }
  CHECK(hit["d/small"] > 50);
  CHECK(hit["large"] > 50);
}

TEST_CASE("sim disk: there is no rot where nothing is durable") {
  Disk disk;
  CHECK_FALSE(disk.rot(1));
  REQUIRE(disk.open("a", OpenMode::append).value()->append(base::as_bytes("unsynced")).ok());
  write(disk, "empty", "");
  CHECK_FALSE(disk.rot(1));
  REQUIRE(disk.open("a", OpenMode::append).value()->sync().ok());
  CHECK(disk.rot(1));
  CHECK_FALSE(disk.rot(1, [](std::string_view) { return true; }));
}

TEST_CASE("sim disk: a wiped one is empty for good, and what was open on it is dead") {
  Disk disk(100);
  write_durable(disk, "a", "abc");
  const auto file = disk.open("a", OpenMode::append).value();
  const auto lock = disk.lock("LOCK");
  disk.wipe();
  CHECK(disk.list(".").value().empty());
  CHECK(disk.free_bytes().value() == 100);
  CHECK(file->append(base::as_bytes("x")).error() == DiskError::io);
  base::Random power(1);
  disk.crash(power);
  CHECK(disk.list(".").value().empty());
  CHECK(disk.lock("LOCK").ok());
}

TEST_CASE("sim disk: swapped ones give each other what lies on them, and keep their plans") {
  Disk one(100), other(200);
  write_durable(one, "a", "one");
  write_durable(other, "b", "others");
  auto pending = one.open("unsynced", OpenMode::append).value();
  const auto lock = one.lock("LOCK");
  other.fail(sim::DiskOperation::sync, DiskError::io);
  one.swap(other);
  CHECK(one.list(".").value() == std::vector<std::string>{"b"});
  CHECK(other.list(".").value() == std::vector<std::string>{"LOCK", "a", "unsynced"});
  CHECK(contents(other, "a") == "one");
  CHECK(one.free_bytes().value() == 94);
  CHECK(other.free_bytes().value() == 197);
  CHECK(pending->append(base::as_bytes("x")).error() == DiskError::io);
  CHECK(other.lock("LOCK").ok());
  CHECK(one.sync_directory(".").ok());
  CHECK(other.sync_directory(".").error() == DiskError::io);
}

TEST_CASE("sim disk: a view of a life that is over touches nothing, not even by a path") {
  base::Random power(1);
  Disk disk, spare;
  write_durable(disk, "a", "abc");
  DiskView old(disk);
  CHECK(contents(old, "a") == "abc");
  SUBCASE("killed") { disk.revoke(); }
  SUBCASE("without power") { disk.crash(power); }
  SUBCASE("emptied and filled again") {
    disk.wipe();
    write_durable(disk, "a", "abc");
  }
  SUBCASE("exchanged and back") {
    disk.swap(spare);
    spare.swap(disk);
  }
  DiskView now(disk);
  CHECK(contents(now, "a") == "abc");
  const std::uint64_t before = disk.operations();
  for (const auto mode : {OpenMode::read, OpenMode::append, OpenMode::create, OpenMode::replace})
    CHECK(old.open("a", mode).error() == DiskError::io);
  CHECK(old.rename("a", "b").error() == DiskError::io);
  CHECK(old.remove("a").error() == DiskError::io);
  CHECK(old.make_directory("d").error() == DiskError::io);
  CHECK(old.sync_directory(".").error() == DiskError::io);
  CHECK(old.list(".").error() == DiskError::io);
  CHECK(old.size("a").error() == DiskError::io);
  CHECK(old.lock("LOCK").error() == DiskError::io);
  CHECK(old.free_bytes().error() == DiskError::io);
  CHECK(disk.operations() == before);
  CHECK(contents(now, "a") == "abc");
}

}  // namespace
}  // namespace troupe
