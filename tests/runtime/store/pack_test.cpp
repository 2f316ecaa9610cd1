// Packs on both disks: store, find, free.
#include <doctest/doctest.h>

#include <map>

#include "tests/runtime/store/packing.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using ports::OpenMode;

TEST_CASE("pack: a file has these bytes") {
  sim::Disk disk;
  auto packs = opened(disk);
  base::Digest counting;
  for (std::size_t i = 0; i < 32; ++i) counting.bytes[i] = static_cast<std::uint8_t>(i);
  base::Digest ones;
  ones.bytes.fill(0xff);
  CHECK(packs->append(counting, as_bytes("hello")).value() == Location{1, 32, 5});
  REQUIRE(packs->sync().ok());
  CHECK(packs->append(ones, {}).value() == Location{1, 104, 0});
  REQUIRE(packs->sync().ok());
  CHECK(base::hex(as_bytes(contents(disk, path_of(1)))) ==
        "74726f757065706b01000000010000005a76f94ef7fa58b3000000008e890809"
        "72656331050000005a76f94ef7fa58b3000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "2000000020000000b3ed0390436e2dee68656c6c6f000000"
        "72656331000000005a76f94ef7fa58b3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "680000006800000000000000f144485c");
}

TEST_CASE_TEMPLATE("pack: a record of any size is read back, before and after its sync and a restart", On, OnLinux,
                   InSimulation) {
  On on;
  PackOptions options;
  options.pack_bytes_max = 1024 * 1024;
  auto packs = opened(on.disk(), options);
  std::map<std::size_t, Location> where;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{9}, kDirectBytes - 1, kDirectBytes,
        kDirectBytes + 1, kGatherBytes, std::size_t{1024 * 1024}, kRecordBytesMax}) {
    const auto stored = packs->append(id_of(bytes), payload_of(bytes, bytes));
    REQUIRE(stored.ok());
    where[bytes] = stored.value();
    CHECK(packs->read(id_of(bytes), stored.value()).value() == payload_of(bytes, bytes));
  }
  CHECK(packs->unsynced() > 0);
  REQUIRE(packs->sync().ok());
  CHECK(packs->unsynced() == 0);
  CHECK(packs->packs().size() == 3);  // the two largest have one of their own
  packs.reset();
  packs = opened(on.disk(), options);
  CHECK(packs->cut_bytes() == 0);
  CHECK(packs->damages().empty());
  for (const auto& [bytes, location] : where) {
    CHECK(packs->read(id_of(bytes), location).value() == payload_of(bytes, bytes));
  }
}

TEST_CASE("pack: a record beyond the limit is refused and stores nothing") {
  InSimulation on;
  auto packs = opened(on.disk());
  CHECK(packs->append(id_of(1), base::Bytes(kRecordBytesMax + 1)).error() == StoreError::too_large);
  CHECK(packs->packs().empty());
  CHECK(packs->sync().ok());
}

TEST_CASE("pack: after begin_after() records go to a pack above that number, and older ones stay readable") {
  InSimulation on;
  auto packs = opened(on.disk());
  const auto first = packs->append(id_of(1), payload_of(1, 10)).value();
  REQUIRE(packs->begin_after(4).ok());
  CHECK(packs->unsynced() == 0);
  CHECK(packs->append(id_of(2), payload_of(2, 10)).value().pack == 5);
  REQUIRE(packs->begin_after(4).ok());  // it is above
  CHECK(packs->append(id_of(3), payload_of(3, 10)).value().pack == 5);
  CHECK(packs->read(id_of(1), first).value() == payload_of(1, 10));
}

TEST_CASE("pack: a full pack is closed and the next one begins, also after a restart") {
  InSimulation on;
  PackOptions options;
  options.pack_bytes_max = kPackHeaderBytes + 2 * record_bytes(100);
  auto packs = opened(on.disk(), options);
  std::vector<Location> where;
  const auto append = [&] {
    where.push_back(packs->append(id_of(where.size()), payload_of(where.size(), 100)).value());
  };
  for (int i = 0; i < 5; ++i) append();
  REQUIRE(packs->sync().ok());
  packs.reset();
  packs = opened(on.disk(), options);
  append();
  append();
  CHECK(where[1].pack == 1);
  CHECK(where[2].pack == 2);
  CHECK(where[4].pack == 3);
  CHECK(where[5].pack == 3);
  CHECK(where[6].pack == 4);
  for (std::size_t i = 0; i < where.size(); ++i) CHECK(packs->read(id_of(i), where[i]).value() == payload_of(i, 100));
  CHECK(records(*packs, 2) == std::vector<Location>{where[2], where[3]});
}

TEST_CASE("pack: many packs are read without keeping all of them open") {
  InSimulation on;
  PackOptions options;
  options.pack_bytes_max = 1;  // one record a pack
  auto packs = opened(on.disk(), options);
  for (std::uint32_t i = 1; i <= 3 * kPacksOpenMax; ++i)
    CHECK(packs->append(id_of(i), as_bytes("x")).value().pack == i);
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 1; i <= 3 * kPacksOpenMax; ++i)
      REQUIRE(packs->read(id_of(i), {i, kPackHeaderBytes, 1}).ok());
  }
}

TEST_CASE("pack: a location that is not this record's gives no bytes") {
  InSimulation on;
  auto packs = opened(on.disk());
  const Location a = packs->append(id_of(1), payload_of(1, 100)).value();
  const Location b = packs->append(id_of(2), payload_of(2, 100)).value();
  const auto kind = [&](std::uint64_t id, const Location& where) {
    const auto got = packs->read(id_of(id), where);
    REQUIRE_FALSE(got.ok());
    return got.error().kind;
  };
  CHECK(kind(1, {2, a.offset, 100}) == StoreError::not_found);
  CHECK(kind(1, {0, a.offset, 100}) == StoreError::not_found);
  CHECK(kind(1, b) == StoreError::corrupt);
  CHECK(kind(2, a) == StoreError::corrupt);
  CHECK(kind(1, {1, a.offset, 99}) == StoreError::corrupt);
  CHECK(kind(1, {1, a.offset + 8, 100}) == StoreError::corrupt);
  CHECK(kind(1, {1, 0, 0}) == StoreError::corrupt);
  CHECK(kind(2, {1, b.offset, 200}) == StoreError::corrupt);
  CHECK(kind(2, {1, b.offset, UINT32_MAX}) == StoreError::corrupt);
  CHECK(kind(2, {1, UINT32_MAX - 7, 100}) == StoreError::corrupt);
}

TEST_CASE("pack: files that are no packs are left alone") {
  InSimulation on;
  REQUIRE(on.disk().make_directory("node/packs").ok());
  write(on.disk(), "node/packs/notes.txt", "mine");
  write(on.disk(), "node/packs/1.pack", "mine");
  auto packs = opened(on.disk());
  REQUIRE(packs->append(id_of(1), as_bytes("x")).ok());
  REQUIRE(packs->sync().ok());
  CHECK(packs->packs().size() == 1);
  CHECK(contents(on.disk(), "node/packs/notes.txt") == "mine");
  CHECK(contents(on.disk(), "node/packs/1.pack") == "mine");
}

TEST_CASE("pack: a pack of a newer format is refused") {
  InSimulation on;
  REQUIRE(on.disk().make_directory("node/packs").ok());
  const auto header = encode(PackHeader{kPackVersion + 1, 1, 5});
  write(on.disk(), path_of(1), base::as_text(header));
  const auto refused = Packs::open(on.disk(), "node/packs", {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error() == StoreError::format_newer);
  CHECK(refused.error().message == "node/packs/00000001.pack: a pack of format 2; this version reads format 1");
}

TEST_CASE("pack: dropped records are counted, and a dead pack is removed") {
  InSimulation on;
  PackOptions options;
  options.pack_bytes_max = kPackHeaderBytes + 2 * record_bytes(100);
  auto packs = opened(on.disk(), options);
  std::vector<Location> where;
  for (std::uint64_t i = 0; i < 3; ++i) where.push_back(packs->append(id_of(i), payload_of(i, 100)).value());
  const auto first = [&] { return packs->packs().front(); };
  CHECK(first() == PackInfo{1, options.pack_bytes_max, 0});
  packs->drop(where[0]);
  CHECK(first().dead == record_bytes(100));
  CHECK_FALSE(first().all_dead());
  packs->drop(where[1]);
  CHECK(first().all_dead());
  packs->drop(where[1]);  // a mistake of the caller does not count beyond the pack
  CHECK(first().dead == 2 * record_bytes(100));
  packs->drop({77, 32, 5});
  REQUIRE(packs->remove(1).ok());
  CHECK(packs->remove(1).error() == StoreError::not_found);
  CHECK(on.disk().list("node/packs").value() == std::vector<std::string>{pack_name(2)});
  CHECK(packs->read(id_of(0), where[0]).error() == StoreError::not_found);
  CHECK(packs->read(id_of(2), where[2]).ok());
  REQUIRE(packs->sync().ok());
  packs.reset();
  packs = opened(on.disk(), options);
  packs->set_dead(2, 1000);
  CHECK(first().all_dead());
  packs->set_dead(2, 8);
  CHECK(first().dead == 8);
  packs->set_dead(77, 8);
  REQUIRE(packs->remove(2).ok());  // the active one
  CHECK(packs->append(id_of(9), as_bytes("x")).ok());
  CHECK(packs->sync().ok());
}

TEST_CASE("pack: compaction moves what is live, and removes the old pack once the index knows") {
  InSimulation on;
  auto packs = opened(on.disk());
  std::map<base::Digest, Location> index;
  for (std::uint64_t i = 0; i < 40; ++i) {
    index[id_of(i)] = packs->append(id_of(i), payload_of(i, 1'000'000)).value();
  }
  REQUIRE(packs->sync().ok());
  for (std::uint64_t i = 0; i < 40; i += 3) {
    packs->drop(index[id_of(i)]);
    index.erase(id_of(i));
  }
  const auto is_live = [&](const base::Digest& id, const Location& where) {
    const auto found = index.find(id);
    return found != index.end() && found->second == where;
  };
  const Packs::Commit commit = [&](std::span<const Moved> moved) -> StoreResult<void> {
    CHECK(packs->unsynced() == 0);
    for (const Moved& record : moved) {
      CHECK(index.at(record.id) == record.from);
      index[record.id] = record.to;
    }
    return {};
  };
  const auto all_there = [&] {
    for (std::uint64_t i = 0; i < 40; ++i) {
      if (i % 3 != 0) REQUIRE(packs->read(id_of(i), index.at(id_of(i))).value() == payload_of(i, 1'000'000));
    }
  };

  SUBCASE("in slices") {
    std::uint64_t from = 0;
    int slices = 0;
    for (bool done = false; !done; ++slices) {
      const auto step = packs->compact(1, from, Packs::OnDamage::stop, is_live, commit);
      REQUIRE(step.ok());
      from = step.value().next;
      done = step.value().done;
      all_there();
    }
    CHECK(slices == 2);
    CHECK(on.disk().list("node/packs").value() == std::vector<std::string>{pack_name(2)});
    CHECK(packs->packs().front().dead == 0);
    packs.reset();
    packs = opened(on.disk());
    all_there();
  }
  SUBCASE("an index that cannot be written keeps the old places") {
    const Packs::Commit fail = [](std::span<const Moved>) -> StoreResult<void> {
      return StoreError{StoreError::no_space, "index"};
    };
    CHECK(packs->compact(1, 0, Packs::OnDamage::stop, is_live, fail).error() == StoreError::no_space);
    all_there();
    CHECK(packs->packs().back().all_dead());
    CHECK(packs->packs().size() == 2);
  }
  SUBCASE("damage stops it, until the caller gives up what was there") {
    const Location lost = index.at(id_of(7));
    auto& disk = dynamic_cast<sim::Disk&>(on.disk());
    REQUIRE(disk.corrupt(path_of(1), lost.offset + 500, 1));
    const auto stopped = packs->compact(1, 0, Packs::OnDamage::stop, is_live, commit);
    REQUIRE_FALSE(stopped.ok());
    CHECK(stopped.error() == StoreError::corrupt);
    CHECK(stopped.error().message.find(path_of(1) + " at " + std::to_string(lost.offset)) == 0);
    CHECK(index.at(id_of(5)).pack == 2);  // what came before it has moved
    CHECK(index.at(id_of(8)).pack == 1);
    index.erase(id_of(7));
    std::uint64_t from = 0;
    for (;;) {
      const auto step = packs->compact(1, from, Packs::OnDamage::skip, is_live, commit);
      REQUIRE(step.ok());
      if (step.value().done) break;
      from = step.value().next;
    }
    for (const auto& [id, where] : index) {
      CHECK(where.pack == 2);
      CHECK(packs->read(id, where).ok());
    }
  }
  SUBCASE("no pack, no compaction") {
    CHECK(packs->compact(9, 0, Packs::OnDamage::stop, is_live, commit).error() == StoreError::not_found);
    CHECK(packs->scan(9, Packs::Check::headers, {}).error() == StoreError::not_found);
  }
}

TEST_CASE("pack: a scan shows every record, and stretches of damage by place and size") {
  sim::Disk disk;
  auto packs = opened(disk);
  std::vector<Location> where;
  for (std::uint64_t i = 0; i < 6; ++i) where.push_back(packs->append(id_of(i), payload_of(i, 100 + i)).value());
  REQUIRE(packs->sync().ok());
  REQUIRE(disk.corrupt(path_of(1), where[1].offset + 70, 1));  // a payload
  REQUIRE(disk.corrupt(path_of(1), where[3].offset + 20, 1));  // a header
  REQUIRE(disk.corrupt(path_of(1), where[4].offset + 1, 1));   // the next one
  std::vector<std::pair<base::Digest, Location>> seen;
  const auto visit = [&](const base::Digest& id, const Location& location) { seen.emplace_back(id, location); };
  const auto report = packs->scan(1, Packs::Check::payloads, visit);
  REQUIRE(report.ok());
  CHECK(seen == std::vector<std::pair<base::Digest, Location>>{
                    {id_of(0), where[0]}, {id_of(2), where[2]}, {id_of(5), where[5]}});
  CHECK(report.value().records == 3);
  CHECK(report.value().damages ==
        std::vector<Damage>{{1, where[1].offset, record_bytes(101), Damage::rotten},
                            {1, where[3].offset, record_bytes(103) + record_bytes(104), Damage::rotten}});
  seen.clear();
  const auto headers = packs->scan(1, Packs::Check::headers, visit);
  CHECK(headers.value().records == 4);
  CHECK(headers.value().damages.size() == 1);
  CHECK(packs->read(id_of(1), where[1]).error() == StoreError::corrupt);
  CHECK(packs->read(id_of(3), where[3]).error() == StoreError::corrupt);
  CHECK(packs->read(id_of(5), where[5]).ok());
}

TEST_CASE("pack: a pack stored inside a pack is not taken for records") {
  sim::Disk disk;
  {
    auto inner = opened(disk, {.seed = 99});
    for (std::uint64_t i = 0; i < 5; ++i) REQUIRE(inner->append(id_of(i), payload_of(i, 100)).ok());
    REQUIRE(inner->sync().ok());
  }
  const std::string stolen = contents(disk, path_of(1));
  REQUIRE(disk.remove(path_of(1)).ok());
  auto packs = opened(disk, {.seed = 100});
  // Its records lie where their headers say, as if a peer knew the offset at which its bytes will be stored.
  const Location outer =
      packs->append(id_of(50), as_bytes(stolen).subspan(kPackHeaderBytes + kRecordHeaderBytes)).value();
  CHECK(outer.offset == kPackHeaderBytes);
  const Location next = packs->append(id_of(51), as_bytes("x")).value();
  REQUIRE(packs->sync().ok());
  REQUIRE(disk.corrupt(path_of(1), outer.offset + 3, 0xff));
  CHECK(records(*packs, 1) == std::vector<Location>{next});
}

}  // namespace
}  // namespace troupe::store
