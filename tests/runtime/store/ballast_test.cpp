// What a store keeps for the time when its device has no room: the file itself, and what works by it.
#include "runtime/store/ballast.hpp"

#include <doctest/doctest.h>

#include <set>

#include "runtime/store/store.hpp"
#include "tests/runtime/store/orders.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::Code;
using ports::DiskError;
using sim::DiskOperation;

constexpr const char* kFile = "node/ballast";

Ballast ballast_on(ports::Disk& disk, std::uint64_t bytes_max = kBallastBytes, std::uint64_t reserve = kReserveBytes) {
  REQUIRE(make_durable_directory(disk, "node").ok());
  return {disk, "node", bytes_max, reserve, 7};
}

/// Others fill the device until `left` bytes are free.
void fill(sim::Disk& disk, std::uint64_t capacity, std::uint64_t left = 0) {
  disk.set_capacity(sim::kDiskBytes);
  const std::uint64_t used = sim::kDiskBytes - disk.free_bytes().value();
  REQUIRE(used + left <= capacity);
  disk.set_capacity(used + left);
}

void all_tidy(Store& store) { REQUIRE(tidy_up(store) != Tidied::more); }

base::Outcome<void> commit(Store& store, const Commit& what) {
  if (const auto added = store.add(what); !added.ok()) return added;
  return store.flush();
}

base::Outcome<void> put(Store& store, std::string_view key, std::string_view value) {
  return commit(store, {.rows = {{"test", as_bytes(key), as_bytes(value)}}});
}

base::Outcome<void> keep(Store& store, std::uint64_t number) {
  const base::Bytes payload = payload_of(number, kMiB);
  return commit(store, {.keep = {{id_of(number), payload}}});
}

base::Outcome<void> drop(Store& store, std::uint64_t number) { return commit(store, {.drop = {id_of(number)}}); }

/// A store on a small device, full as far as it fills it.
std::uint64_t fill_store(Store& store) {
  all_tidy(store);
  std::uint64_t stored = 0;
  while (put(store, std::to_string(stored), "row").ok() && keep(store, stored).ok()) ++stored;
  REQUIRE(stored > 10);
  return stored;
}

constexpr std::uint64_t kDevice = 96 * kMiB;

}  // namespace

TEST_CASE("ballast: is made in steps, of bytes that no file system can leave out") {
  OnLinux real;
  Ballast ballast = ballast_on(real.disk());
  std::uint64_t steps = 1;
  for (; ballast.grow() == Ballast::Grown::more; ++steps) CHECK(ballast.bytes() == steps * kBallastStepBytes);
  CHECK(steps == kBallastBytes / kBallastStepBytes);
  CHECK(real.disk().size(kFile).value() == kBallastBytes);
  const std::string all = contents(real.disk(), kFile);
  std::array<std::uint64_t, 256> seen{};
  for (const char byte : all) ++seen[static_cast<std::uint8_t>(byte)];
  for (const std::uint64_t number : seen) CHECK(number < 2 * kBallastBytes / 256);
  std::set<std::string> blocks;
  for (std::size_t at = 0; at < all.size(); at += 4096) blocks.insert(all.substr(at, 4096));
  CHECK(blocks.size() == kBallastBytes / 4096);
  CHECK(ballast.grow() == Ballast::Grown::whole);
  CHECK(ballast.bytes() == kBallastBytes);
}

TEST_CASE("ballast: is there after a crash, and costs a simulated disk no memory") {
  sim::Disk disk;
  Ballast ballast = ballast_on(disk);
  while (ballast.grow() == Ballast::Grown::more) continue;
  base::Random power(1);
  disk.crash(power);
  CHECK(disk.size(kFile).value() == kBallastBytes);
  CHECK(disk.used_bytes() == kBallastBytes);
  CHECK(disk.real_bytes() == 0);
}

TEST_CASE("ballast: leaves the reserve free, and waits where that cannot be") {
  sim::Disk disk;
  Ballast ballast = ballast_on(disk);
  disk.set_capacity(kReserveBytes + kBallastStepBytes - 1);
  CHECK(ballast.grow() == Ballast::Grown::waits);
  CHECK(ballast.bytes() == 0);
  disk.set_capacity(kReserveBytes + kBallastStepBytes);
  CHECK(ballast.grow() == Ballast::Grown::more);
  CHECK(disk.free_bytes().value() == kReserveBytes);
  CHECK(ballast.grow() == Ballast::Grown::waits);
  disk.set_capacity(sim::kDiskBytes);
  while (ballast.grow() == Ballast::Grown::more) continue;
  CHECK(ballast.bytes() == kBallastBytes);
}

TEST_CASE("ballast: on a small device it is small, never too small to help, and none where none is wanted") {
  sim::Disk disk;
  const auto made_on = [&](std::uint64_t capacity, std::uint64_t bytes_max) {
    Ballast ballast = ballast_on(disk, bytes_max);
    disk.set_capacity(capacity);
    while (ballast.grow() == Ballast::Grown::more) continue;
    const std::uint64_t bytes = ballast.bytes();
    ballast.release();
    return bytes;
  };
  CHECK(made_on(192 * kMiB, kBallastBytes) == 12 * kMiB);
  CHECK(made_on(64 * kMiB, kBallastBytes) == kBallastBytesMin);
  CHECK(made_on(1024 * kMiB, kBallastBytes) == kBallastBytes);
  CHECK(made_on(1024 * kMiB, 1'000) == 1'000);
  CHECK(made_on(1024 * kMiB, 0) == 0);
}

TEST_CASE("ballast: a step that fails leaves what was there, and is done again") {
  sim::Disk disk;
  Ballast ballast = ballast_on(disk);
  REQUIRE(ballast.grow() == Ballast::Grown::more);
  for (const DiskOperation what : {DiskOperation::write, DiskOperation::sync}) {
    for (const DiskError error : {DiskError::no_space, DiskError::io}) {
      disk.fail(what, error);
      CHECK(ballast.grow() == Ballast::Grown::waits);
      CHECK(ballast.bytes() == kBallastStepBytes);
    }
  }
  CHECK(ballast.grow() == Ballast::Grown::more);
  CHECK(ballast.bytes() == 2 * kBallastStepBytes);
}

TEST_CASE("ballast: is given up whole, once") {
  sim::Disk disk;
  Ballast ballast = ballast_on(disk);
  CHECK(!ballast.release());
  while (ballast.grow() == Ballast::Grown::more) continue;
  fill(disk, sim::kDiskBytes);
  CHECK(ballast.release());
  CHECK(disk.free_bytes().value() == kBallastBytes);
  CHECK(!ballast.release());
}

TEST_CASE("commit: deletes if it keeps nothing and puts less than it takes away") {
  const auto row = [](std::string_view value) { return Commit::Row{"test", as_bytes("key"), as_bytes(value)}; };
  const Commit::Row erased{"test", as_bytes("key"), std::nullopt};
  const std::string most(kDeletionPutBytesMax - 3, 'v'), beyond(kDeletionPutBytesMax - 2, 'v');
  CHECK(Commit{.rows = {erased}}.deletes());
  CHECK(Commit{.drop = {id_of(1)}}.deletes());
  CHECK(Commit{.rows = {row("noted"), erased}}.deletes());
  CHECK(Commit{.rows = {row("noted")}, .drop = {id_of(1)}}.deletes());
  CHECK(Commit{.rows = {row(most), erased}}.deletes());
  CHECK(!Commit{.rows = {row(beyond), erased}}.deletes());
  CHECK(!Commit{.rows = {row("a"), row("b"), erased}}.deletes());
  CHECK(!Commit{.rows = {row("")}}.deletes());
  CHECK(!Commit{.rows = {erased}, .keep = {{id_of(1), {}}}}.deletes());
}

TEST_CASE("store: the ballast is made when there is nothing else to tidy, and a start does not wait for it") {
  sim::Disk disk;
  const auto store = open_store(disk, {});
  CHECK(store->usage().ballast_bytes == 0);
  all_tidy(*store);
  CHECK(store->usage().ballast_bytes == kBallastBytes);
}

TEST_CASE("store: on a device without a free byte rows are erased and blobs dropped, and nothing else is written") {
  sim::Disk disk(kDevice);
  auto store = open_store(disk, {});
  const std::uint64_t stored = fill_store(*store);
  REQUIRE(store->usage().ballast_bytes == kBallastBytesMin);
  fill(disk, kDevice);
  REQUIRE(disk.free_bytes().value() == 0);
  CHECK(put(*store, "more", "row").error().code == Code::no_space);
  CHECK(keep(*store, 1'000).error().code == Code::no_space);
  CHECK(store->usage().ballast_bytes == kBallastBytesMin);

  REQUIRE(
      commit(*store, {.rows = {{"test", as_bytes("noted"), as_bytes("gone")}, {"test", as_bytes("0"), std::nullopt}},
                      .drop = {id_of(0)}})
          .ok());
  CHECK(store->usage().ballast_bytes == 0);
  CHECK(store->get("test", as_bytes("0")).error().code == Code::not_found);
  CHECK(store->get("test", as_bytes("noted")).ok());
  CHECK(put(*store, "more", "row").error().code == Code::no_space);
  CHECK(keep(*store, 1'000).error().code == Code::no_space);
  for (std::uint64_t number = 1; number < stored; ++number) REQUIRE(drop(*store, number).ok());
  all_tidy(*store);
  CHECK(store->usage().free_bytes > stored / 2 * kMiB);

  disk.set_capacity(kDevice);
  all_tidy(*store);
  CHECK(store->usage().ballast_bytes == kBallastBytesMin);
  REQUIRE(keep(*store, 1'000).ok());
}

TEST_CASE("store: to keep what is stored takes no room, and never the ballast") {
  sim::Disk disk(kDevice);
  auto store = open_store(disk, {});
  fill_store(*store);
  fill(disk, kDevice);
  CHECK(keep(*store, 0).ok());
  CHECK(store->usage().ballast_bytes == kBallastBytesMin);
  const base::Bytes payload = payload_of(0, kMiB);
  const Commit erases{.rows = {{"test", as_bytes("0"), std::nullopt}}, .keep = {{id_of(0), payload}}};
  CHECK(!erases.deletes());
  CHECK(commit(*store, erases).error().code == Code::no_space);
  CHECK(store->usage().ballast_bytes == kBallastBytesMin);
}

TEST_CASE("store: on a device without a free byte it opens, after an end or a loss of power, and reads all") {
  const bool crashes = [] {
    bool out = false;
    SUBCASE("an end") { out = false; }
    SUBCASE("a loss of power") { out = true; }
    return out;
  }();
  // What is left free decides where opening runs out of it.
  for (const std::uint64_t left : {0, 1, 4'096, 100'000, 3'000'000}) {
    CAPTURE(left);
    sim::Disk disk(kDevice);
    auto store = open_store(disk, {});
    const std::uint64_t stored = fill_store(*store);
    fill(disk, kDevice, left);
    base::Random power(left);
    if (crashes) disk.crash(power);
    store.reset();
    store = open_store(disk, {});
    for (std::uint64_t number = 0; number < stored; ++number) {
      REQUIRE(store->read(id_of(number)).ok());
      REQUIRE(store->get("test", as_bytes(std::to_string(number))).ok());
    }
    CHECK(keep(*store, 1'000).error().code == Code::no_space);
    REQUIRE(drop(*store, 0).ok());
    CHECK(store->read(id_of(0)).error().code == Code::not_found);
  }
}

TEST_CASE("store: without a ballast a device without a free byte cannot be opened, and nothing is lost by trying") {
  sim::Disk disk(kDevice);
  auto store = open_store(disk, {.ballast_bytes = 0});
  const std::uint64_t stored = fill_store(*store);
  fill(disk, kDevice);
  CHECK(drop(*store, 0).error().code == Code::no_space);
  store.reset();
  for (int i = 0; i < 3; ++i) {
    const auto opened = Store::open(disk, "node", Background::here, 7);
    REQUIRE(!opened.ok());
    CHECK(opened.error() == StoreError::no_space);
  }
  disk.set_capacity(kDevice);
  store = open_store(disk, {});
  for (std::uint64_t number = 0; number < stored; ++number) REQUIRE(store->read(id_of(number)).ok());
}

TEST_CASE("store: a deletion that the database finds no room for is done with the ballast, once") {
  sim::Disk disk(kDevice);
  auto store = open_store(disk, {});
  fill_store(*store);
  // A quota: there are free bytes, and no room for what opens the database anew.
  fill(disk, kDevice, kReserveBytes / kEraseReservePart);
  disk.fail(DiskOperation::write, DiskError::no_space);
  SUBCASE("a deletion") {
    REQUIRE(drop(*store, 0).ok());
    CHECK(store->usage().ballast_bytes == 0);
    CHECK(store->read(id_of(0)).error().code == Code::not_found);
    CHECK(store->usage().failure != "");  // for what is new
  }
  SUBCASE("nothing else") {
    fill(disk, kDevice, kReserveBytes / kRowsReservePart);
    disk.fail(DiskOperation::write, DiskError::no_space);
    CHECK(put(*store, "more", "row").error().code == Code::no_space);
    CHECK(store->usage().ballast_bytes == kBallastBytesMin);
  }
}

TEST_CASE(
    "store: after a loss of power at any operation of a deletion on a full device all or nothing of it is there") {
  for (std::uint64_t at = 0;; ++at) {
    CAPTURE(at);
    sim::Disk disk(kDevice);
    auto store = open_store(disk, {.reserve_bytes = 80 * kMiB, .ballast_bytes = kBallastBytesMin});
    all_tidy(*store);
    REQUIRE(put(*store, "0", "row").ok());
    REQUIRE(keep(*store, 0).ok());
    REQUIRE(keep(*store, 1).ok());
    fill(disk, kDevice);
    disk.halt_after(at);
    const auto done = commit(*store, {.rows = {{"test", as_bytes("0"), std::nullopt}}, .drop = {id_of(0)}});
    base::Random power(at);
    disk.crash(power);
    store.reset();
    store = open_store(disk, {});
    const bool row = store->get("test", as_bytes("0")).ok();
    CHECK(store->has(id_of(0)).value() == row);
    CHECK(store->read(id_of(0)).ok() == row);
    CHECK(store->read(id_of(1)).ok());
    if (!done.ok()) continue;
    CHECK(!row);
    break;
  }
}

}  // namespace troupe::store
