// Snapshots as files: written, given, received, and what damage shows.
#include "actors/raft/snapshot_files.hpp"

#include <doctest/doctest.h>

#include <string>

#include "runtime/sim/disk.hpp"

namespace troupe::raft {
namespace {

Snapshot mark_at(std::uint64_t index) {
  Configuration members;
  members.seats[{*base::NodeId::from_hex(std::string(40, '1')), 5}] = {.voter = true};
  return {.index = Index{index}, .term = Term{3}, .configuration = members};
}

struct SnapshotsOnDisk {
  sim::Disk disk;
  SnapshotFiles files{disk, "snapshots"};
  SnapshotsOnDisk() { REQUIRE(files.open().ok()); }

  Snapshot make(Incarnation member, std::uint64_t index, std::size_t chunks) {
    for (std::size_t i = 0; i < chunks; ++i)
      REQUIRE(files.write(member, Index{index}, i == 0, base::Bytes(1'000 + i, static_cast<std::uint8_t>(i))).ok());
    auto made = files.end(member, mark_at(index), false);
    REQUIRE(made.ok());
    return made.value();
  }
};

TEST_CASE("raft snapshots: chunks are read back after a crash, and only the newest stays") {
  SnapshotsOnDisk on;
  on.make(1, 10, 3);
  const Snapshot made = on.make(1, 20, 5);
  CHECK(on.disk.list("snapshots").value().size() == 1);
  base::Random random(4);
  on.disk.crash(random);
  SnapshotFiles again(on.disk, "snapshots");
  REQUIRE(again.open().ok());
  const auto found = again.find(1);
  REQUIRE(found.ok());
  CHECK(found.value() == made);  // also where the removal of the older one was not durable
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto chunk = again.read_chunk(1, Index{20}, offset);
    REQUIRE(chunk.ok());
    CHECK(chunk.value().bytes == base::Bytes(1'000 + i, static_cast<std::uint8_t>(i)));
    offset = chunk.value().next;
  }
  CHECK(offset == 0);
  CHECK(again.read_chunk(1, Index{10}, 0).error() == store::StoreError::not_found);
}

TEST_CASE("raft snapshots: another member's bytes count only as a whole, and with the digest of its leader") {
  SnapshotsOnDisk on;
  const Snapshot made = on.make(1, 20, 4);
  base::Bytes bytes;
  while (true) {
    const auto part = on.files.read(1, Index{20}, bytes.size());
    REQUIRE(part.ok());
    if (part.value().empty()) break;
    bytes.insert(bytes.end(), part.value().begin(), part.value().end());
  }
  CHECK(bytes.size() == made.bytes);
  const auto half = base::ByteView(bytes).first(bytes.size() / 2), rest = base::ByteView(bytes).subspan(half.size());
  REQUIRE(on.files.receive(2, Index{20}, 0, half).ok());
  CHECK(on.files.receive(2, Index{20}, half.size() + 1, rest).error() == store::StoreError::corrupt);
  REQUIRE(on.files.receive(2, Index{20}, half.size(), rest).ok());
  CHECK(on.files.end(2, made, true).ok());
  CHECK(on.files.find(2).value() == made);
  bytes[5] ^= 1;
  REQUIRE(on.files.receive(3, Index{20}, 0, bytes).ok());
  CHECK(on.files.end(3, made, true).error() == store::StoreError::corrupt);
  CHECK_FALSE(on.files.find(3).value());
}

TEST_CASE("raft snapshots: any byte that rots is found when the file is looked for") {
  for (std::uint64_t at = 0; at < 1'200; at += 7) {
    SnapshotsOnDisk on;
    on.make(1, 20, 1);
    const auto name = "snapshots/" + on.disk.list("snapshots").value().front();
    if (!on.disk.corrupt(name, at, 0x20)) break;
    CAPTURE(at);
    CHECK(on.files.find(1).error() == store::StoreError::corrupt);
  }
}

TEST_CASE("raft snapshots: a group that was just founded has one without bytes") {
  SnapshotsOnDisk on;
  REQUIRE(on.files.receive(2, Index{1}, 0, {}).ok());
  REQUIRE(on.files.end(2, mark_at(1), true).ok());
  CHECK(on.files.find(2).value()->index == Index{1});
  CHECK(on.files.find(2).value()->bytes == 0);
}

TEST_CASE("raft snapshots: files of members that are not kept go") {
  SnapshotsOnDisk on;
  on.make(1, 10, 1);
  on.make(2, 10, 1);
  REQUIRE(on.files.write(3, Index{1}, true, base::Bytes(10)).ok());
  on.files.keep({2});
  CHECK(on.disk.list("snapshots").value().size() == 2);  // one is being written
  CHECK_FALSE(on.files.find(1).value());
  CHECK(on.files.find(2).value());
}

}  // namespace
}  // namespace troupe::raft
