// A store actor whose device is full, fails, rots or loses power: what its askers hear.
#include "tests/runtime/store/counter.hpp"
#include "tests/support.hpp"

namespace troupe::store {
namespace {

using namespace std::chrono_literals;
using base::Code;
using sim::DiskOperation;
using test::Scripted;

using troupe::test::contains;

}  // namespace

TEST_CASE("store actor: what a crash left without a row is found dead at the next start") {
  Counter counter(1, {.tidy_bytes_min = 100 * kMiB});
  counter.open();
  REQUIRE(counter.keep(1, 1'000).ok);
  // The pack is written and synced, the index is not.
  const std::uint64_t before = counter.actors.disk.operations();
  REQUIRE(counter.keep(2, 1'000).ok);
  CHECK(counter.actors.disk.operations() - before == 5);  // pack: bytes, sync; log: bytes, sync, its entry
  counter.actors.disk.halt_after(2);
  CHECK(counter.keep(3, 1'000).code == Code::unknown_outcome);
  base::Random power(1);
  counter.crash(power);
  counter.open();
  counter.actors.stage.run_for(1s);
  CHECK(counter.used().blobs == 2);
  CHECK(counter.used().dead_bytes == record_bytes(1'000));
  CHECK(counter.holds(1, 1'000));
  CHECK(counter.holds(2, 1'000));
}

TEST_CASE("store actor: a full disk refuses what grows; dropping works, and then all else again") {
  Counter counter;
  counter.actors.disk.set_capacity(64 * kMiB);
  counter.open();
  std::uint64_t stored = 0;
  Heard last;
  for (; stored < 100; ++stored) {
    last = counter.commit("blob" + std::to_string(stored), "here",
                          std::vector{std::pair{id_of(stored), payload_of(stored, kMiB)}});
    if (!last.ok) break;
  }
  CHECK(last.code == Code::no_space);
  CHECK(stored > 20);
  CHECK(stored < 40);
  CHECK(counter.used().failure != "");
  CHECK(counter.used().blobs == stored);
  std::string none;
  CHECK(counter.get("blob" + std::to_string(stored), none).code == Code::not_found);
  CHECK(counter.holds(0, kMiB));
  REQUIRE(counter.commit("small", "rows still work").ok);
  // Others fill the device, up to what is reserved for dropping.
  counter.actors.disk.set_capacity(64 * kMiB - 20 * kMiB);
  CHECK(counter.commit("b", "2").code == Code::no_space);
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < stored; ++i) all.push_back(i);
  REQUIRE(counter.drop(all).ok);
  counter.actors.stage.run_for(10s);
  CHECK(counter.used().dead_bytes == 0);
  counter.actors.disk.set_capacity(64 * kMiB);
  CHECK(counter.used().failure == "");
  REQUIRE(counter.keep(1'000, kMiB).ok);
  CHECK(counter.holds(1'000, kMiB));
}

TEST_CASE("store actor: with no room at all a drop is refused, and the store works on once there is some") {
  Counter counter;
  counter.actors.disk.set_capacity(64 * kMiB);
  counter.open();
  REQUIRE(counter.keep(1, kMiB).ok);
  counter.actors.disk.set_capacity(0);
  CHECK(counter.drop({1}).code == Code::no_space);
  CHECK(counter.holds(1, kMiB));
  counter.actors.stage.run_for(10min);
  counter.actors.disk.set_capacity(64 * kMiB);
  REQUIRE(counter.drop({1}).ok);
  CHECK(counter.used().blobs == 0);
}

TEST_CASE("store actor: a store that cannot be opened answers why, and is tried again where that helps") {
  Counter counter;
  std::string none;
  SUBCASE("the device fails") {
    counter.actors.disk.fail(DiskOperation::sync, ports::DiskError::io);
    counter.open();
    CHECK(counter.get("a", none).code == Code::unavailable);
    CHECK(counter.commit("a", "1").code == Code::unavailable);
    counter.actors.stage.run_for(kRetryDelayMin);
    CHECK(counter.commit("a", "1").ok);
  }
  SUBCASE("the disk is full") {
    counter.actors.disk.set_capacity(0);
    counter.open();
    CHECK(counter.commit("a", "1").code == Code::no_space);
    counter.actors.stage.run_for(10min);
    CHECK(counter.commit("a", "1").code == Code::no_space);
    counter.actors.disk.set_capacity(64 * kMiB);
    counter.actors.stage.run_for(kRetryDelayMax);
    CHECK(counter.commit("a", "1").ok);
  }
  SUBCASE("a newer program wrote it") {
    { REQUIRE(Database::open(counter.actors.disk, "node/db", {Background::here, 2, {}}).ok()); }
    counter.open();
    counter.actors.stage.run_for(1h);
    CHECK(counter.get("a", none).code == Code::unsupported);
  }
  SUBCASE("it is damaged") {
    counter.open();
    REQUIRE(counter.commit("a", "1").ok);
    caf::anon_send_exit(counter.store, caf::exit_reason::kill);
    counter.actors.stage.settle();
    SUBCASE("in CURRENT") { REQUIRE(counter.actors.disk.corrupt("node/db/CURRENT", 0, 0xff)); }
    SUBCASE("in its log, which was emptied") { write(counter.actors.disk, "node/db/000003.log", ""); }
    SUBCASE("in its directory, which is gone") { REQUIRE(ports::remove_tree(counter.actors.disk, "node").ok()); }
    counter.open();
    counter.actors.stage.run_for(1h);
    CHECK(counter.get("a", none).code == Code::corrupt);
    CHECK(counter.commit("a", "1").code == Code::corrupt);
  }
  CHECK(counter.actors.record("/store")->restarts == 0);
}

TEST_CASE("store actor: after a loss of power at any operation acknowledged commits are there, others whole or not") {
  // Each commit writes its number in a row and keeps a blob; the next one drops it.
  for (std::uint64_t at = 0;; ++at) {
    CAPTURE(at);
    Counter counter(at + 1, {.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 1});
    counter.actors.disk.halt_after(at);
    counter.open();
    std::uint64_t acknowledged = 0, asked = 0;
    bool failed = false;
    while (!failed && asked < 20) {
      std::array<Heard, 2> heard;
      counter.actors.inside([&](Scripted& self) {
        for (Heard& each : heard) {
          ++asked;
          counter.commit(self, each, "number", std::to_string(asked), {{id_of(asked), payload_of(asked, 500)}},
                         {id_of(asked - 1)});
        }
      });
      counter.actors.stage.settle();
      counter.actors.stage.run_for(asked % 4 == 0 ? 1s : 0s);
      for (const Heard& each : heard) {
        if (each.ok) ++acknowledged;
        else failed = true;
      }
    }
    base::Random power(at);
    counter.crash(power);
    counter.open();
    std::string found = "0";
    const Heard heard = counter.get("number", found);
    REQUIRE((heard.ok || heard.code == Code::not_found));
    const std::uint64_t number = std::stoull(found);
    REQUIRE(number >= acknowledged);
    REQUIRE(number <= asked);
    if (number > 0) REQUIRE(counter.holds(number, 500));
    counter.actors.stage.run_for(5s);
    REQUIRE(counter.used().blobs == (number > 0 ? 1 : 0));
    REQUIRE(counter.used().damages == 0);
    if (number > 0) REQUIRE(counter.holds(number, 500));
    if (!failed) break;
  }
}

TEST_CASE("store actor: with no free byte a drop works, also after a restart, and the ballast comes back") {
  Counter counter;
  counter.actors.disk.set_capacity(96 * kMiB);
  counter.open();
  counter.actors.stage.run_for(1s);
  CHECK(counter.used().free_bytes < 96 * kMiB - kBallastBytesMin);
  for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(counter.keep(i, kMiB).ok);
  counter.fill();
  REQUIRE(counter.drop({1}).ok);
  counter.fill();
  CHECK(counter.drop({2}).code == Code::no_space);  // it was used up
  counter.actors.disk.set_capacity(96 * kMiB);
  counter.actors.stage.run_for(kRoomDelay + kTidyPauseBusy * 10);
  counter.fill();
  counter.end();
  counter.open();
  CHECK(counter.holds(2, kMiB));
  REQUIRE(counter.drop({2}).ok);
  CHECK(counter.used().blobs == 1);
}

TEST_CASE("store actor: a database that is damaged is answered as corrupt, with the file, as long as it is") {
  // Every file of it in turn is cut, altered or gone. Some of that is found only by reading, some is no loss.
  std::size_t refused = 0;
  for (std::size_t which = 0;; ++which) {
    bool any = false;
    for (int how = 0; how < 4; ++how) {
      Counter counter(which + 1);
      sim::Disk& disk = counter.actors.disk;
      counter.open();
      for (int i = 0; i < 3; ++i) {  // tables, a log and a manifest
        REQUIRE(counter.commit("a" + std::to_string(i), std::string(1'000, 'v')).ok);
        counter.end();
        counter.open();
      }
      counter.end();
      auto names = disk.list("node/db").value();
      std::erase(names, "LOCK");
      if (which >= names.size()) break;
      any = true;
      const std::string file = "node/db/" + names[which];
      CAPTURE(file);
      CAPTURE(how);
      const std::uint64_t bytes = disk.size(file).value();
      if (how == 0) REQUIRE(disk.remove(file).ok());
      if (how == 1) REQUIRE(disk.open(file, ports::OpenMode::replace).ok());
      if (how == 2) static_cast<void>(disk.corrupt(file, 0, 0xff));
      if (how == 3) static_cast<void>(disk.corrupt(file, bytes / 2, 0xff));
      counter.open();
      counter.actors.stage.run_for(1h);
      std::string value;
      const Heard heard = counter.get("a0", value);
      if (heard.ok || heard.code == Code::not_found) continue;
      ++refused;
      CHECK(heard.code == Code::corrupt);
      CHECK(contains(heard.message, "node/db/"));
    }
    if (!any) break;
  }
  CHECK(refused > 5);
}

TEST_CASE("store actor: a ballast that erased rows have used comes back, whatever else is asked") {
  Counter counter;
  sim::Disk& disk = counter.actors.disk;
  disk.set_capacity(96 * kMiB);
  counter.open();
  REQUIRE(counter.commit("a", "1").ok);
  counter.actors.stage.run_for(10s);
  REQUIRE(disk.size("node/ballast").value() == kBallastBytesMin);
  counter.fill();
  REQUIRE(counter.commit("a", "").ok);
  CHECK(!disk.size("node/ballast").ok());
  disk.set_capacity(96 * kMiB);
  counter.actors.stage.run_for(kRoomDelay + 10s);
  CHECK(disk.size("node/ballast").ok());
}

TEST_CASE("store actor: while writes are refused a drop does not share the fate of commits that grow") {
  Counter counter;
  counter.open();
  REQUIRE(counter.commit("a", "1", std::vector{std::pair{id_of(1), payload_of(1, 1'000)}}).ok);
  counter.actors.stage.run_for(1s);
  const auto quota = [&] { counter.actors.disk.fail(DiskOperation::write, ports::DiskError::no_space); };
  quota();
  CHECK(counter.commit("a", "2").code == Code::no_space);
  quota();
  Heard row, drop, more;
  counter.actors.inside([&](Scripted& self) {
    counter.commit(self, row, "a", "3");
    counter.commit(self, drop, "", "", {}, {id_of(1)});
    counter.commit(self, more, "a", "4");
  });
  counter.actors.stage.settle();
  CHECK(row.code == Code::no_space);
  CHECK(drop.ok);
  CHECK(more.ok);
  CHECK(counter.used().blobs == 0);
  CHECK(counter.row("a") == "4");
}

}  // namespace troupe::store
