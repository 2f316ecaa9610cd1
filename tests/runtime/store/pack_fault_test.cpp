// Packs on a disk that loses power, fills up, fails and rots.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>

#include "tests/runtime/store/packing.hpp"
#include "tests/support.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using ports::DiskError;
using sim::DiskOperation;

/// A caller of packs: its index is what it has been told is durable.
class Caller {
 public:
  explicit Caller(base::Random& random) : random_(random) {}

  /// Works until an operation fails; false then.
  bool work(Packs& packs, int steps) {
    for (int i = 0; i < steps; ++i) {
      if (!step(packs)) return false;
    }
    return true;
  }

  /// What was acknowledged is there, and nothing is that was never stored.
  void check(Packs& packs) {
    for (const auto& [id, where] : index_) {
      const auto got = packs.read(id, where);
      if (!got.ok()) FAIL(got.error().message);
      REQUIRE(got.value() == payloads_.at(id));
    }
    for (const PackInfo& pack : packs.packs()) {
      const auto report =
          packs.scan(pack.number, Packs::Check::payloads, [&](const base::Digest& id, const Location& where) {
            const auto got = packs.read(id, where);
            REQUIRE(got.ok());
            REQUIRE(got.value() == payloads_.at(id));
          });
      REQUIRE(report.ok());
    }
    for (const Damage& damage : packs.damages()) CHECK(damage.kind == Damage::torn);
  }

  /// The process has ended: what was not acknowledged is forgotten.
  void forget() { pending_.clear(); }

 private:
  bool step(Packs& packs) {
    switch (random_.below(12)) {
      case 0:
      case 1: return sync(packs);
      case 2: return compact(packs);
      case 3: return remove(packs);
      default: return append(packs);
    }
  }

  bool append(Packs& packs) {
    const base::Digest id = id_of(++last_);
    const std::size_t bytes = random_.chance(1, 10) ? kDirectBytes + random_.below(100) : random_.below(300);
    payloads_[id] = payload_of(last_, bytes);
    const auto where = packs.append(id, payloads_[id]);
    if (!where.ok()) return false;
    pending_[id] = where.value();
    return true;
  }

  bool sync(Packs& packs) {
    if (!packs.sync().ok()) {
      pending_.clear();
      return false;
    }
    index_.insert(pending_.begin(), pending_.end());
    pending_.clear();
    return true;
  }

  bool compact(Packs& packs) {
    if (!sync(packs)) return false;
    const auto all = packs.packs();
    if (all.empty()) return true;
    const std::uint32_t pack = all[random_.below(all.size())].number;
    const auto is_live = [&](const base::Digest& id, const Location& where) {
      const auto found = index_.find(id);
      return found != index_.end() && found->second == where;
    };
    const Packs::Commit commit = [&](std::span<const Moved> moved) -> StoreResult<void> {
      for (const Moved& record : moved) index_[record.id] = record.to;
      return {};
    };
    for (std::uint64_t from = 0;;) {
      // Torn stretches hold nothing that was acknowledged.
      const auto step = packs.compact(pack, from, Packs::OnDamage::skip, is_live, commit);
      if (!step.ok()) return false;
      if (step.value().done) return true;
      from = step.value().next;
    }
  }

  bool remove(Packs& packs) {
    const auto all = packs.packs();
    if (all.empty() || !sync(packs)) return !all.empty() ? false : true;
    const std::uint32_t pack = all.front().number;
    std::erase_if(index_, [&](const auto& entry) { return entry.second.pack == pack; });
    return packs.remove(pack).ok();
  }

  base::Random& random_;
  std::uint64_t last_ = 0;
  std::map<base::Digest, base::Bytes> payloads_;  // all that was ever stored
  std::map<base::Digest, Location> pending_;      // appended, not synced
  std::map<base::Digest, Location> index_;
};

PackOptions small_packs(std::uint64_t seed) { return {.seed = seed, .pack_bytes_max = 4'000}; }

TEST_CASE("pack: after a crash at any operation what was synced is there, and nothing invalid is") {
  int cut = 0;
  for (std::uint64_t seed = 0; seed < test::rounds(12, 2); ++seed) {
    for (std::uint64_t halt = 0; halt < 90; ++halt) {
      CAPTURE(seed);
      CAPTURE(halt);
      base::Random random(seed);
      sim::Disk disk;
      Caller caller(random);
      // Twice, so that a start meets what another start after a crash has left.
      for (std::uint64_t life = 1; life <= 2; ++life) {
        disk.halt_after(life == 1 ? halt : random.below(60));
        auto packs = Packs::open(disk, "node/packs", small_packs(seed + life));
        if (packs.ok()) {
          caller.work(*packs.value(), 60);
        }
        packs = StoreError{};
        caller.forget();
        disk.crash(random);
      }
      auto packs = opened(disk, small_packs(seed + 50));
      cut += packs->cut_bytes() > 0;
      caller.check(*packs);
      REQUIRE(caller.work(*packs, 30));
      caller.check(*packs);
    }
  }
  CHECK(cut > 0);
}

TEST_CASE("pack: faults of the device lose nothing that was acknowledged") {
  for (std::uint64_t seed = 0; seed < test::rounds(200); ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    sim::Disk disk;
    Caller caller(random);
    auto packs = opened(disk, small_packs(seed + 1));
    for (int round = 0; round < 8; ++round) {
      const auto what = random.chance(1, 2) ? DiskOperation::write : DiskOperation::sync;
      disk.fail(what, random.chance(1, 2) ? DiskError::io : DiskError::no_space, random.below(20));
      caller.work(*packs, 25);
      // Whatever is pending must not be believed after a failure that the caller has heard of.
      static_cast<void>(packs->sync());
      caller.forget();
      caller.check(*packs);
    }
    disk.crash(random);
    packs = opened(disk, small_packs(seed + 2));
    caller.check(*packs);
  }
}

TEST_CASE("pack: a failed append has stored nothing, and the next one goes on") {
  for (const std::size_t bytes : {std::size_t{100}, kDirectBytes, kGatherBytes}) {
    sim::Disk disk;
    auto packs = opened(disk);
    const Location before = packs->append(id_of(1), payload_of(1, 100)).value();
    disk.fail(DiskOperation::write, DiskError::no_space);
    const auto failed = packs->append(id_of(2), payload_of(2, bytes));
    if (bytes < kDirectBytes) {  // gathered: nothing was written yet, so the sync meets the fault
      REQUIRE(failed.ok());
      CHECK(packs->sync().error() == StoreError::no_space);
      CHECK(packs->read(id_of(1), before).error() == StoreError::corrupt);
      CHECK(packs->unsynced() == 0);
    } else {
      REQUIRE_FALSE(failed.ok());
      CHECK(failed.error() == StoreError::no_space);
      CHECK(failed.error().message.find(path_of(1)) == 0);
      CHECK(packs->read(id_of(1), before).ok());
    }
    const Location after = packs->append(id_of(3), payload_of(3, bytes)).value();
    REQUIRE(packs->sync().ok());
    CHECK(packs->read(id_of(3), after).value() == payload_of(3, bytes));
    CHECK(records(*packs, 1).back() == after);
  }
}

TEST_CASE("pack: a failed sync voids what it covered") {
  sim::Disk disk;
  auto packs = opened(disk);
  const Location kept = packs->append(id_of(1), payload_of(1, 100)).value();
  REQUIRE(packs->sync().ok());
  const Location lost = packs->append(id_of(2), payload_of(2, kDirectBytes)).value();
  disk.fail(DiskOperation::sync, DiskError::io);
  CHECK(packs->sync().error() == StoreError::io);
  CHECK(packs->read(id_of(2), lost).error() == StoreError::corrupt);
  CHECK(packs->read(id_of(1), kept).ok());
  CHECK(packs->sync().ok());
  CHECK(packs->append(id_of(3), payload_of(3, 50)).value().offset == lost.offset);
}

TEST_CASE("pack: a sync that fails when a pack is full is told to whoever asks for the next sync") {
  sim::Disk disk;
  PackOptions options{.seed = 1, .pack_bytes_max = kPackHeaderBytes + 2 * record_bytes(100)};
  auto packs = opened(disk, options);
  const Location a = packs->append(id_of(1), payload_of(1, 100)).value();
  REQUIRE(packs->append(id_of(2), payload_of(2, 100)).ok());
  disk.fail(DiskOperation::sync, DiskError::io);
  CHECK(packs->append(id_of(3), payload_of(3, 100)).error() == StoreError::io);
  CHECK(packs->append(id_of(4), payload_of(4, 100)).error() == StoreError::io);
  CHECK(packs->sync().error() == StoreError::io);  // of what was appended so far nothing is durable
  CHECK(packs->read(id_of(1), a).error() == StoreError::corrupt);
  CHECK(packs->packs().front().bytes == kPackHeaderBytes);
  REQUIRE(packs->append(id_of(5), payload_of(5, 100)).ok());
  CHECK(packs->sync().ok());
}

TEST_CASE("pack: a compaction that cannot sync voids its own copies alone") {
  sim::Disk disk;
  auto packs = opened(disk, small_packs(1));
  std::vector<Location> where;
  for (std::uint64_t i = 0; i < 10; ++i) where.push_back(packs->append(id_of(i), payload_of(i, 300)).value());
  int committed = 0;
  const auto all_live = [](const base::Digest&, const Location&) { return true; };
  const Packs::Commit commit = [&](std::span<const Moved>) -> StoreResult<void> {
    ++committed;
    return {};
  };
  SUBCASE("what the caller had appended is synced first, and its failure told") {
    disk.fail(DiskOperation::sync, DiskError::io);
    CHECK(packs->compact(1, 0, Packs::OnDamage::stop, all_live, commit).error() == StoreError::io);
    CHECK(packs->append(id_of(50), {}).error() == StoreError::io);
    CHECK(packs->sync().error() == StoreError::io);
    where.clear();
  }
  SUBCASE("a sync of copies fails") {
    disk.fail(DiskOperation::sync, DiskError::io, 3);  // after the caller's, and the next pack's header and name
    CHECK(packs->compact(1, 0, Packs::OnDamage::stop, all_live, commit).error() == StoreError::io);
  }
  CHECK(committed == 0);
  CHECK(packs->append(id_of(50), {}).ok());
  CHECK(packs->sync().ok());
  for (std::uint64_t i = 0; i < where.size(); ++i) CHECK(packs->read(id_of(i), where[i]).value() == payload_of(i, 300));
}

TEST_CASE("pack: a full disk refuses records, still reads, frees a dead pack and goes on") {
  sim::Disk disk(300'000);
  PackOptions options{.seed = 1, .pack_bytes_max = 50'000, .reserve_bytes = 60'000};
  auto packs = opened(disk, options);
  std::vector<Location> where;
  std::optional<StoreError> full;
  while (!full) {
    const auto stored = packs->append(id_of(where.size()), payload_of(where.size(), 10'000));
    if (stored.ok()) where.push_back(stored.value());
    else full = stored.error();
  }
  CHECK(*full == StoreError::no_space);
  REQUIRE(packs->sync().ok());  // what was accepted fits
  CHECK(disk.free_bytes().value() >= 60'000);

  SUBCASE("within the reserve") {}
  SUBCASE("with nothing left at all") { disk.set_capacity(0); }
  SUBCASE("after a restart with nothing left at all") {
    disk.set_capacity(0);
    packs.reset();
    packs = opened(disk, options);
  }
  for (std::size_t i = 0; i < where.size(); ++i)
    CHECK(packs->read(id_of(i), where[i]).value() == payload_of(i, 10'000));
  REQUIRE(packs->remove(1).ok());
  disk.set_capacity(300'000);
  CHECK(packs->append(id_of(99), payload_of(99, 10'000)).ok());
  CHECK(packs->sync().ok());
}

TEST_CASE("pack: compaction may use the reserve, and a disk that is fuller still loses nothing") {
  sim::Disk disk(120'000);
  PackOptions options{.seed = 1, .pack_bytes_max = 50'000, .reserve_bytes = 60'000};
  auto packs = opened(disk, options);
  std::vector<Location> where;
  for (std::uint64_t i = 0; i < 4; ++i) where.push_back(packs->append(id_of(i), payload_of(i, 10'000)).value());
  REQUIRE(packs->sync().ok());
  CHECK(packs->append(id_of(5), payload_of(5, 30'000)).error() == StoreError::no_space);
  const auto all_live = [&](const base::Digest&, const Location&) { return true; };
  const Packs::Commit commit = [&](std::span<const Moved> moved) -> StoreResult<void> {
    for (const Moved& record : moved) where[record.id.bytes[0]] = record.to;
    return {};
  };
  SUBCASE("the reserve suffices") {
    REQUIRE(packs->compact(1, 0, Packs::OnDamage::stop, all_live, commit).value().done);
    CHECK(where[3].pack == 2);
  }
  SUBCASE("it does not") {
    disk.set_capacity(60'000);
    CHECK(packs->compact(1, 0, Packs::OnDamage::stop, all_live, commit).error() == StoreError::no_space);
  }
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(packs->read(id_of(i), where[i]).value() == payload_of(i, 10'000));
}

/// A pack of ten records, the first five of them synced before the others were written, all synced at the end.
std::vector<Location> fill(sim::Disk& disk) {
  auto packs = opened(disk);
  std::vector<Location> where;
  for (std::uint64_t i = 0; i < 10; ++i) {
    if (i == 5) REQUIRE(packs->sync().ok());
    where.push_back(packs->append(id_of(i), payload_of(i, 100)).value());
  }
  REQUIRE(packs->sync().ok());
  return where;
}

TEST_CASE("pack: a start cuts bytes after the last valid record and no others") {
  sim::Disk disk;
  const std::vector<Location> where = fill(disk);
  const std::string path = path_of(1);
  const std::uint64_t size = disk.size(path).value();
  const auto append = [&](const base::Bytes& bytes) {
    REQUIRE(disk.open(path, ports::OpenMode::append).value()->append(bytes).ok());
  };
  std::vector<Location> expected = where;
  std::uint64_t cut = 0;
  std::vector<Damage> damages;
  const std::uint64_t each = record_bytes(100);
  SUBCASE("nothing is wrong") {}
  SUBCASE("zeros behind") {
    append(base::Bytes(1000, 0));
    cut = 1000;
  }
  SUBCASE("noise behind") {
    append(payload_of(5, 777));
    cut = 777;
  }
  SUBCASE("the last record is short") {
    REQUIRE(disk.open(path, ports::OpenMode::append).value()->truncate(size - 1).ok());
    expected.pop_back();
    cut = each - 1;
  }
  SUBCASE("the payload of the last record is not the one") {
    REQUIRE(disk.corrupt(path, where[9].offset + 100, 1));
    expected.pop_back();
    cut = each;
  }
  SUBCASE("the zeros after the last payload are none") {
    REQUIRE(disk.corrupt(path, size - 1, 1));
    expected.pop_back();
    cut = each;
  }
  SUBCASE("a bad one before a good one is damage, torn where nothing says that it was synced") {
    REQUIRE(disk.corrupt(path, where[7].offset + 100, 1));
    expected.erase(expected.begin() + 7);
    damages = {{1, where[7].offset, each, Damage::torn}};
  }
  SUBCASE("a bad header among what is known to be synced is damage") {
    REQUIRE(disk.corrupt(path, where[2].offset + 5, 1));
    expected.erase(expected.begin() + 2);
    damages = {{1, where[2].offset, each, Damage::rotten}};
  }
  SUBCASE("what is known to be synced is not cut, even if nothing good follows") {
    for (std::size_t i = 4; i < 10; ++i) {
      if (i != 5) REQUIRE(disk.corrupt(path, where[i].offset + 5, 1));
    }
    REQUIRE(disk.corrupt(path, where[5].offset + 100, 1));  // its header still says what was synced
    expected.resize(4);
    cut = 5 * each;
    damages = {{1, where[4].offset, each, Damage::rotten}};
  }
  auto packs = opened(disk);
  CHECK(packs->cut_bytes() == cut);
  CHECK(packs->damages() == damages);
  CHECK(records(*packs, 1) == expected);
  // The next record lies where the cut was made, and a further start cuts nothing.
  const Location next = packs->append(id_of(70), payload_of(70, 100)).value();
  REQUIRE(packs->sync().ok());
  packs.reset();
  packs = opened(disk);
  CHECK(packs->cut_bytes() == 0);
  expected.push_back(next);
  CHECK(records(*packs, 1) == expected);
}

TEST_CASE("pack: only the last pack is cut") {
  sim::Disk disk;
  const std::vector<Location> where = fill(disk);
  {
    auto packs = opened(disk, {.seed = 3, .pack_bytes_max = 1});
    REQUIRE(packs->append(id_of(50), as_bytes("x")).value().pack == 2);
    REQUIRE(packs->sync().ok());
  }
  const std::uint64_t size = disk.size(path_of(1)).value();
  REQUIRE(disk.open(path_of(1), ports::OpenMode::append).value()->truncate(size - 20).ok());
  auto packs = opened(disk);
  CHECK(disk.size(path_of(1)).value() == size - 20);
  const auto report = packs->scan(1, Packs::Check::payloads, [](const base::Digest&, const Location&) {});
  CHECK(report.value().records == 9);
  CHECK(report.value().damaged_bytes == record_bytes(100) - 20);
  CHECK(packs->read(id_of(9), where[9]).error() == StoreError::corrupt);
  CHECK(packs->read(id_of(8), where[8]).ok());
}

TEST_CASE("pack: a pack with a damaged header is read and left, and a new one begun") {
  sim::Disk disk;
  const std::vector<Location> where = fill(disk);
  REQUIRE(disk.corrupt(path_of(1), 17, 1));
  auto packs = opened(disk);
  CHECK(packs->damages() == std::vector<Damage>{{1, 0, kPackHeaderBytes, Damage::rotten}});
  CHECK(records(*packs, 1) == where);
  CHECK(packs->read(id_of(3), where[3]).ok());
  CHECK(packs->append(id_of(70), as_bytes("x")).value().pack == 2);
  REQUIRE(packs->sync().ok());
  // Without its first record too nobody knows the salt: nothing of it is believed in a scan.
  REQUIRE(disk.corrupt(path_of(1), where[0].offset, 1));
  CHECK(records(*packs, 1).empty());
  CHECK(packs->read(id_of(3), where[3]).ok());
}

TEST_CASE("pack: a pack that was begun and never held a record is dropped") {
  for (const std::string& text : {std::string(), std::string("troupepk"), std::string(32, '\0')}) {
    sim::Disk disk;
    const std::vector<Location> where = fill(disk);
    write(disk, path_of(2), text);
    write(disk, path_of(3), "");
    auto packs = opened(disk);
    CHECK(disk.list("node/packs").value() == std::vector<std::string>{pack_name(1)});
    CHECK(packs->damages().empty());
    CHECK(packs->append(id_of(60), as_bytes("x")).value().pack == 1);
  }
}

TEST_CASE("pack: any bytes as a pack open, scan and grow") {
  CHECK(rc::check([](const base::Bytes& noise, bool with_header, std::uint8_t copies) {
    sim::Disk disk;
    const std::vector<Location> where = fill(disk);
    base::Bytes bytes;
    if (with_header) {
      const std::string good = contents(disk, path_of(1));
      bytes.assign(good.begin(), good.end());
    }
    for (int i = 0; i <= copies % 8; ++i) bytes.insert(bytes.end(), noise.begin(), noise.end());
    write(disk, path_of(1), base::as_text(bytes));
    auto packs = opened(disk);
    std::size_t seen = 0;
    for (const PackInfo& pack : packs->packs()) seen += records(*packs, pack.number).size();
    RC_ASSERT(seen == (with_header ? where.size() : 0));
    const auto stored = packs->append(id_of(80), noise);
    RC_ASSERT(stored.ok());
    RC_ASSERT(packs->sync().ok());
    RC_ASSERT(packs->read(id_of(80), stored.value()).value() == noise);
  }));
}

TEST_CASE("pack: whichever bytes are flipped, a read gives the right bytes or an error") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    sim::Disk disk;
    const std::vector<Location> where = fill(disk);
    const std::uint64_t size = disk.size(path_of(1)).value();
    const auto flip = [&] {
      for (std::uint64_t i = 0; i <= random.below(4); ++i) {
        disk.corrupt(path_of(1), random.below(size), static_cast<std::uint8_t>(1 + random.below(255)));
      }
    };
    const bool while_open = random.chance(1, 2);
    if (!while_open) flip();
    auto packs = opened(disk);
    if (while_open) flip();
    for (std::uint64_t i = 0; i < where.size(); ++i) {
      const auto got = packs->read(id_of(i), where[i]);
      if (got.ok()) RC_ASSERT(got.value() == payload_of(i, 100));
      else RC_ASSERT(got.error() == StoreError::corrupt);
    }
    for (const PackInfo& pack : packs->packs()) {
      for (const Location& location : records(*packs, pack.number)) {
        RC_ASSERT(std::find(where.begin(), where.end(), location) != where.end());
      }
    }
  }));
}

TEST_CASE("pack: a device that cannot be read is io, not damage") {
  sim::Disk disk;
  const std::vector<Location> where = fill(disk);
  auto packs = opened(disk);
  disk.fail(DiskOperation::read, DiskError::io);
  CHECK(packs->read(id_of(1), where[1]).error() == StoreError::io);
  disk.fail(DiskOperation::read, DiskError::io);
  CHECK(packs->scan(1, Packs::Check::payloads, [](const base::Digest&, const Location&) {}).error() == StoreError::io);
  packs.reset();
  disk.fail(DiskOperation::read, DiskError::io, 2);
  CHECK(Packs::open(disk, "node/packs", {}).error() == StoreError::io);
  CHECK(records(*opened(disk), 1) == where);
}

}  // namespace
}  // namespace troupe::store
