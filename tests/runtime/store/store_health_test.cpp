// What a store actor tells people of a device that is full or rots.
#include "tests/runtime/store/counter.hpp"
#include "tests/runtime/store/reasons.hpp"
#include "tests/support.hpp"

namespace troupe::store {
namespace {

using namespace std::chrono_literals;
using base::Code;
using observe::HealthState;

using troupe::test::contains;

/// Offset of the payload of the n-th blob of `bytes` in a pack.
std::uint64_t payload_at(std::uint64_t n, std::size_t bytes) {
  return kPackHeaderBytes + n * record_bytes(bytes) + kRecordHeaderBytes;
}

}  // namespace

TEST_CASE("store actor: refused writes are told once, by health and a line, until the device has room") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  REQUIRE(counter.keep(1, kMiB).ok);
  counter.actors.stage.run_for(1s);
  counter.fill();
  for (std::uint64_t i = 2; i < 6; ++i) CHECK(counter.keep(i, kMiB).code == Code::no_space);
  REQUIRE(counter.drop({1}).ok);  // does not make it well
  counter.actors.stage.run_for(10min);
  CHECK(contains(told.reason("store"), "cannot store new data: "));
  CHECK(told.health.state() == HealthState::failing);
  CHECK(told.changes == 1);
  counter.actors.disk.set_capacity(sim::kDiskBytes);
  counter.actors.stage.run_for(kRetryDelayMax + kRoomDelay);
  CHECK(told.health.state() == HealthState::ok);
  CHECK(told.changes == 2);
  CHECK(counter.keep(2, kMiB).ok);
}

TEST_CASE("store actor: the first put after a full device makes the health well") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  REQUIRE(counter.keep(1, kMiB).ok);
  counter.actors.stage.run_for(1s);
  counter.fill();
  CHECK(counter.keep(2, kMiB).code == Code::no_space);
  counter.actors.disk.set_capacity(sim::kDiskBytes);
  counter.actors.stage.run_for(2s);
  CHECK(told.health.state() == HealthState::failing);
  CHECK(counter.keep(3, kMiB).ok);
  CHECK(told.health.state() == HealthState::ok);
}

TEST_CASE("store actor: writes to a directory that was removed are refused, and health says so for good") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  REQUIRE(counter.commit("a", "1").ok);
  counter.actors.disk.lose();
  CHECK(counter.commit("a", "2").code == Code::unavailable);
  CHECK(counter.keep(1, 100).code == Code::unavailable);
  counter.actors.stage.run_for(10min);
  CHECK(told.health.state() == HealthState::failing);
  CHECK(contains(told.reason("store"), "cannot store new data: "));
  CHECK(contains(told.reason("store"), "was removed or replaced while it was in use"));
  CHECK(counter.commit("a", "3").code == Code::unavailable);
  CHECK(counter.actors.record("/store")->restarts == 0);
}

TEST_CASE("store actor: a commit that is refused for what it says is no fault of the store") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  CHECK(counter.commit(std::string(kKeyBytesMax + 1, 'k'), "v").code == Code::malformed);
  CHECK(told.health.state() == HealthState::ok);
}

TEST_CASE("store actor: a commit that meets a damaged place of the index is no reason that nothing can be stored") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  for (std::uint64_t i = 0; i < 300; ++i) REQUIRE(counter.keep(i, 10).ok);
  counter.end();
  counter.open();
  counter.end();  // now the rows are in a table of several blocks
  sim::Disk& disk = counter.actors.disk;
  const auto names = disk.list("node/db").value();
  for (const std::string& name : names) {
    if (!name.ends_with(".ldb")) continue;
    const std::string file = "node/db/" + name;
    REQUIRE(disk.corrupt(file, disk.size(file).value() / 2, 0xff));
  }
  counter.open();
  std::size_t met = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Heard heard = counter.drop({i});
    if (heard.ok) continue;
    CHECK(heard.code == Code::corrupt);
    ++met;
  }
  CHECK(met > 0);
  CHECK(met < 300);
  CHECK(told.reason("store") == "");
}

TEST_CASE("store actor: a damaged pack is told by health and a line, with what to do, until it is mended") {
  Reasons told;
  Counter counter(1, {}, {&told.health, "troupe file verify CID mends it"});
  counter.open();
  for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(counter.keep(i, 10'000).ok);
  REQUIRE(counter.actors.disk.corrupt(path_of(1), payload_at(1, 10'000) + 7, 0x10));
  REQUIRE(counter.actors.disk.corrupt(path_of(1), payload_at(2, 10'000) + 7, 0x10));
  counter.actors.stage.run_for(1min);
  CHECK(told.health.state() == HealthState::ok);  // nobody has looked
  base::Bytes bytes;
  SUBCASE("found by reads") {
    for (int i = 0; i < 3; ++i) {
      CHECK(counter.read(2, bytes).code == Code::corrupt);
      CHECK(counter.read(3, bytes).code == Code::corrupt);
    }
  }
  SUBCASE("found by a check") {
    CHECK(counter.ask<wire::CheckBlobs, wire::Checked>([](auto) {}, [](wire::Checked::Reader) {}).ok);
  }
  CHECK(told.reason("store.damage") == path_of(1) + ": stored content is damaged; troupe file verify CID mends it");
  CHECK(told.health.state() == HealthState::degraded);
  CHECK(told.changes == 1);
  REQUIRE(counter.keep(2, 10'000).ok);
  CHECK(told.health.state() == HealthState::degraded);
  REQUIRE(counter.keep(3, 10'000).ok);
  CHECK(told.health.state() == HealthState::ok);
  CHECK(told.changes == 2);
}

TEST_CASE("store actor: damage that tidying finds is told once, until the last damaged blob is gone") {
  Reasons told;
  Counter counter(1, {.reserve_bytes = 0, .tidy_bytes_min = 1, .ballast_bytes = 0}, {&told.health, {}});
  counter.open();
  for (std::uint64_t i = 0; i < 9; ++i) REQUIRE(counter.keep(i, 10'000).ok);
  counter.actors.stage.run_for(1s);
  REQUIRE(counter.actors.disk.corrupt(path_of(1), payload_at(0, 10'000) + 7, 0x10));
  REQUIRE(counter.drop({1, 2, 3, 4, 5}).ok);
  counter.actors.stage.run_for(1min);
  CHECK(told.reason("store.damage") == path_of(1) + ": stored content is damaged");
  for (const std::uint64_t number : {6, 7}) {  // healthy ones
    REQUIRE(counter.drop({number}).ok);
    counter.actors.stage.run_for(1min);
  }
  CHECK(told.changes == 1);
  CHECK(counter.holds(8, 10'000));
  SUBCASE("dropped") { REQUIRE(counter.drop({0}).ok); }
  SUBCASE("kept anew") {
    base::Bytes bytes;
    CHECK(counter.read(0, bytes).code == Code::corrupt);
    REQUIRE(counter.keep(0, 10'000).ok);
  }
  counter.actors.stage.run_for(1min);
  CHECK(told.health.state() == HealthState::ok);
  CHECK(told.changes == 2);
  CHECK(counter.holds(8, 10'000));
}

TEST_CASE("store actor: damage that a start finds is told at once, and goes with the blobs that it concerns") {
  Reasons told;
  Counter counter(1, {}, {&told.health, {}});
  counter.open();
  for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(counter.keep(i, 10'000).ok);
  counter.end();
  REQUIRE(counter.actors.disk.corrupt(path_of(1), payload_at(1, 10'000) - kRecordHeaderBytes + 3, 0x10));
  counter.open();
  CHECK(contains(told.reason("store.damage"), path_of(1)));
  counter.actors.stage.run_for(1min);
  CHECK(contains(told.reason("store.damage"), path_of(1) + ": stored content is damaged"));
  CHECK(counter.used().damages == 1);
  REQUIRE(counter.keep(2, 10'000).ok);
  CHECK(told.health.state() == HealthState::ok);
  CHECK(counter.holds(2, 10'000));
}

}  // namespace troupe::store
