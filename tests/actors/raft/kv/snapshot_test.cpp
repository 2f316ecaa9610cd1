#include "actors/raft/logic/kv/snapshot.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/raft/kv/commands.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Store;

namespace {

std::vector<base::Bytes> chunks_of(kv::Machine& machine, std::size_t bytes) {
  kv::SnapshotWriter writer(machine);
  std::vector<base::Bytes> out;
  while (auto chunk = writer.next(bytes)) out.push_back(std::move(*chunk));
  return out;
}

base::Result<kv::Machine, kv::SnapshotError> machine_of(const std::vector<base::Bytes>& chunks) {
  kv::SnapshotReader reader;
  for (const base::Bytes& chunk : chunks)
    if (const auto fed = reader.feed(chunk); !fed.ok()) return fed.error();
  return std::move(reader).finish();
}

}  // namespace

TEST_CASE("kv snapshot: it is the state of one moment, however the machine goes on meanwhile") {
  CHECK(rc::check("written while it changes, read back, and going on alike", [](std::uint64_t seed) {
    base::Random random(seed);
    std::int64_t time = 0;
    Store store;
    for (std::uint64_t n = random.below(120); n > 0; --n) (void)store.apply(raft_test::drawn(random, time));
    const auto still = chunks_of(store.machine, 50);
    Store copy = store;

    std::vector<base::Bytes> chunks;
    {
      kv::SnapshotWriter writer(store.machine);
      RC_ASSERT(writer.index() == copy.machine.applied());
      while (auto chunk = writer.next(50)) {
        chunks.push_back(std::move(*chunk));
        for (std::uint64_t n = random.below(4); n > 0; --n) (void)store.apply(raft_test::drawn(random, time));
      }
    }
    RC_ASSERT(chunks == still);
    auto read = machine_of(chunks);
    RC_ASSERT(read.ok());
    Store other{std::move(read).value(), copy.next};
    for (int n = 0; n < 60; ++n) {
      const kv::Command command = raft_test::drawn(random, time);
      const auto here = copy.apply(command), there = other.apply(command);
      RC_ASSERT(here.answer == there.answer);
      RC_ASSERT(here.repeated == there.repeated);
      RC_ASSERT(copy.machine.hash() == other.machine.hash());
      RC_ASSERT(copy.machine.sessions() == other.machine.sessions());
    }
    RC_ASSERT(chunks_of(copy.machine, 1'000) == chunks_of(other.machine, 1'000));
  }));
}

TEST_CASE("kv snapshot: what is missing, changed or out of order is refused") {
  Store store;
  store.apply({.what = kv::GrantLease{{7}, 1'000}});
  for (const char* key : {"a", "b", "c"}) store.txn({}, {raft_test::put(key, "1", 7), raft_test::get(key)}, key);
  const auto chunks = chunks_of(store.machine, 1);  // a record each
  REQUIRE(chunks.size() == 9);
  REQUIRE(machine_of(chunks).ok());
  for (std::size_t left_out = 0; left_out < chunks.size(); ++left_out) {
    auto fewer = chunks;
    fewer.erase(fewer.begin() + static_cast<long>(left_out));
    CHECK_FALSE(machine_of(fewer).ok());
    auto twice = chunks;
    twice.insert(twice.begin() + static_cast<long>(left_out), chunks[left_out]);
    CHECK_FALSE(machine_of(twice).ok());
  }
  CHECK(machine_of({chunks.begin(), chunks.end() - 1}).error() == kv::SnapshotError::unfinished);
  CHECK(machine_of({}).error() == kv::SnapshotError::unfinished);
  base::Bytes all;
  for (const auto& chunk : chunks) all.insert(all.end(), chunk.begin(), chunk.end());
  REQUIRE(machine_of({all}).ok());
  base::Random random(1);
  for (std::uint64_t n = 0; n < test::rounds(20'000); ++n) {  // no change of a byte breaks more than the reader
    base::Bytes changed = all;
    changed[random.below(changed.size())] = static_cast<std::uint8_t>(random.next());
    if (n % 3 == 0) changed.resize(random.below(changed.size()));
    auto read = machine_of({changed});
    if (read.ok()) (void)chunks_of(read.value(), 100);
  }
}

TEST_CASE("kv snapshot: the ends of leases are in it, and one of an older program without them is read") {
  Store store;
  store.apply({.time_ms = 500, .what = kv::GrantLease{{7}, 1'000}});
  store.apply({.time_ms = 600, .what = kv::KeepLeases{{{7}}}});
  auto chunks = chunks_of(store.machine, 1);
  auto read = machine_of(chunks);
  REQUIRE(read.ok());
  CHECK(read.value().leases().at({7}).end_ms == 1'600);
  chunks[0][1] = 1;
  chunks[1].resize(chunks[1].size() - 8);
  read = machine_of(chunks);
  REQUIRE(read.ok());
  CHECK(read.value().leases().at({7}).ttl_ms == 1'000);
  CHECK(read.value().leases().at({7}).end_ms == 0);
}

TEST_CASE("kv snapshot: one writer at a time") {
  Store store;
  kv::SnapshotWriter writer(store.machine);
  CHECK_THROWS_AS(kv::SnapshotWriter{store.machine}, base::InvariantBroken);
}
