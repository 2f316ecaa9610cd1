#include "actors/raft/logic/kv/history.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/raft/kv/commands.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Store;

namespace {

/// What a disk has been given, and gives back.
struct BlockDisk {
  std::map<std::uint64_t, std::pair<kv::BlockIndex, base::Bytes>> blocks;  // by first revision
  std::uint64_t loads = 0;

  void take(kv::History& history, bool all) {
    erase(history);
    for (auto& block : history.unsaved(all)) {
      const auto index = kv::decode_block_index(kv::encode(block.index));
      REQUIRE(index);
      blocks.insert_or_assign(index->first.value, std::pair(*index, std::move(block.bytes)));
    }
    if (history.saving()) history.saved(true);
  }
  void erase(kv::History& history) {
    for (const auto& block : history.erased()) blocks.erase(block.first.value);
  }
  void load(kv::History& history, kv::Revision first) {
    ++loads;
    const kv::BlockIndex* index = history.stored(first);
    if (!index) return;
    const auto found = blocks.find(first.value);
    REQUIRE(found != blocks.end());
    auto changes = kv::decode_changes(*index, found->second.second);
    REQUIRE(changes);
    history.loaded(first, std::move(*changes));
  }
  void restore(kv::History& history, kv::Revision oldest) {
    std::vector<kv::BlockIndex> all;
    for (const auto& [first, block] : blocks) all.push_back(block.first);
    history.restore(std::move(all), oldest);
    erase(history);
  }
};

base::Result<kv::Value, kv::Elsewhere> get(kv::History& history, BlockDisk& disk, const std::string& key,
                                           kv::Revision at, const kv::Row* row) {
  kv::Lookup ask{.key = key, .at = at};
  while (true) {
    auto got = history.get(ask, row);
    if (got.ok() || !got.error().load) return got;
    disk.load(history, *got.error().load);
  }
}

/// All changes from a revision on.
std::optional<std::vector<kv::Changed>> since(kv::History& history, BlockDisk& disk, kv::Revision from,
                                              const std::string& prefix, kv::Revision newest) {
  std::vector<kv::Changed> out;
  while (from <= newest) {
    const auto seen = history.since(from, prefix, 3);
    if (!seen.ok() && !seen.error().load) return std::nullopt;
    if (!seen.ok()) {
      disk.load(history, *seen.error().load);
      continue;
    }
    REQUIRE(seen.value().next > from);
    out.insert(out.end(), seen.value().changes.begin(), seen.value().changes.end());
    from = seen.value().next;
  }
  return out;
}

kv::History in_memory(std::size_t changes_max, std::size_t bytes) {
  return kv::History({}, {.changes_max = changes_max, .memory_bytes_max = bytes});
}

}  // namespace

TEST_CASE("kv history: any past that is here is as it was, and no other is told") {
  CHECK(rc::check("get and since", [](std::uint64_t seed) {
    base::Random random(seed);
    std::int64_t time = 0;
    Store store;
    kv::History history = in_memory(1 + random.below(60), 100'000);
    BlockDisk disk;
    std::vector<std::map<std::string, std::string>> states(1);  // by revision
    std::vector<kv::Changed> all;
    std::vector<kv::Revision> revisions;
    for (int step = 0; step < 120; ++step) {
      const auto applied = store.apply(raft_test::drawn(random, time));
      history.add(applied.changes);
      if (random.chance(1, 10)) history.compact(store.machine.oldest());
      all.insert(all.end(), applied.changes.begin(), applied.changes.end());
      if (states.size() > store.machine.revision().value) continue;
      states.emplace_back();
      for (const auto& [key, row] : store.machine.range("", "", 1'000, 100'000).rows)
        states.back()[key] = raft_test::shown(row.value);
    }
    for (std::uint64_t at = 0; at < states.size(); ++at)
      for (const std::string key : {"a", "b", "aa", "bb", "c"}) {
        const auto got = get(history, disk, key, {at}, store.machine.get(key));
        if (!got.ok()) {
          RC_ASSERT(got.error().oldest == history.oldest());
          continue;
        }
        const auto was = states[at].find(key);
        RC_ASSERT(raft_test::shown(got.value()) == (was == states[at].end() ? "absent" : was->second));
      }
    const auto seen = history.since(history.oldest(), "a", 1'000);
    RC_ASSERT(seen.ok());
    std::size_t expected = 0;
    for (const kv::Changed& change : all) expected += change.revision >= history.oldest() && change.key[0] == 'a';
    RC_ASSERT(seen.value().changes.size() == expected);
    if (history.oldest().value > 0) RC_ASSERT(!history.since({history.oldest().value - 1}, "", 10).ok());
  }));
}

TEST_CASE("kv history: as many changes as may be, and one more; a revision is not cut") {
  Store store;
  kv::History history = in_memory(3, 100'000);
  BlockDisk disk;
  history.add(store.txn({}, {raft_test::put("a", "1"), raft_test::put("b", "1")}).changes);
  history.add(store.txn({}, {raft_test::put("a", "2")}).changes);
  CHECK(history.size() == 3);
  CHECK(history.oldest().value == 1);
  CHECK(history.since({1}, "", 1).value().changes.size() == 2);
  history.add(store.txn({}, {raft_test::put("a", "3")}).changes);
  CHECK(history.size() == 2);
  CHECK(history.oldest().value == 2);
  CHECK(get(history, disk, "b", {1}, store.machine.get("b")).ok());  // it has not changed since
  CHECK_FALSE(get(history, disk, "a", {0}, store.machine.get("a")).ok());
}

TEST_CASE(
    "kv history: with a disk any past is as it was, in bounded memory, and after a start from an older revision") {
  CHECK(rc::check("disk", [](std::uint64_t seed) {
    base::Random random(seed);
    std::int64_t time = 0;
    Store store;
    const std::size_t memory = 3'000 + random.below(4'000);
    const kv::History::Limits limits{.changes_max = 100'000, .memory_bytes_max = memory, .disk_bytes_max = 1u << 30};
    kv::History history({}, limits);
    BlockDisk disk;
    std::vector<std::map<std::string, std::string>> states(1);  // by revision
    std::vector<kv::Changed> all;
    kv::Revision compacted;
    for (int step = 0; step < 300; ++step) {
      const auto applied = store.apply(raft_test::drawn(random, time));
      history.add(applied.changes);
      if (history.wants_disk()) disk.take(history, false);
      all.insert(all.end(), applied.changes.begin(), applied.changes.end());
      if (random.chance(1, 100)) history.compact(compacted = store.machine.oldest());
      RC_ASSERT(history.memory_bytes() <= memory + 2'000);
      if (random.chance(1, 60)) {  // the log is cut behind a snapshot, and the member starts from it, later
        disk.take(history, true);
        const kv::Revision start = store.machine.revision();
        std::vector<std::vector<kv::Changed>> behind;
        for (int more = static_cast<int>(random.below(30)); more > 0; --more) {
          const auto next = store.apply(raft_test::drawn(random, time));
          history.add(next.changes);
          if (history.wants_disk()) disk.take(history, false);
          if (!next.changes.empty()) behind.push_back(next.changes);
          all.insert(all.end(), next.changes.begin(), next.changes.end());
        }
        history = kv::History(start, limits);
        const std::size_t early = random.below(behind.size() + 1);
        for (std::size_t i = 0; i < early; ++i) history.add(behind[i]);
        disk.restore(history, compacted);
        for (std::size_t i = early; i < behind.size(); ++i) history.add(behind[i]);
      }
      while (states.size() <= store.machine.revision().value) states.emplace_back();
    }
    std::map<std::string, std::string> state;
    std::map<std::string, kv::Revision> changed;
    std::size_t at_change = 0;
    for (std::uint64_t at = 0; at < states.size(); ++at) {
      for (; at_change < all.size() && all[at_change].revision.value <= at; ++at_change) {
        changed[all[at_change].key] = all[at_change].revision;
        if (all[at_change].value) state[all[at_change].key] = raft_test::shown(all[at_change].value);
        else state.erase(all[at_change].key);
      }
      for (const std::string key : {"a", "b", "aa", "bb", "c"}) {
        const auto got = get(history, disk, key, {at}, store.machine.get(key));
        if (!got.ok()) {  // what it was then was written before what is here
          RC_ASSERT(changed[key] < history.oldest());
          continue;
        }
        const auto was = state.find(key);
        RC_ASSERT(raft_test::shown(got.value()) == (was == state.end() ? "absent" : was->second));
      }
    }
    RC_ASSERT(history.oldest() <= std::max(compacted, kv::Revision{1}));
    const auto seen = since(history, disk, history.oldest(), "a", store.machine.revision());
    RC_ASSERT(seen.has_value());
    std::vector<kv::Changed> expected;
    for (const kv::Changed& change : all)
      if (change.revision >= history.oldest() && change.key[0] == 'a') expected.push_back(change);
    RC_ASSERT(seen->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      RC_ASSERT((*seen)[i].revision == expected[i].revision && (*seen)[i].key == expected[i].key &&
                kv::same((*seen)[i].value, expected[i].value) && (*seen)[i].request == expected[i].request);
  }));
}

TEST_CASE("kv history: a disk that takes nothing costs the oldest revisions, not memory") {
  Store store;
  kv::History history({}, {.changes_max = 100'000, .memory_bytes_max = 4'000, .disk_bytes_max = 1u << 20});
  for (int i = 0; i < 500; ++i) {
    history.add(store.txn({}, {raft_test::put("a", std::to_string(i))}).changes);
    if (!history.wants_disk()) continue;
    CHECK(!history.unsaved(false).empty());
    history.saved(false);
  }
  CHECK(history.memory_bytes() <= 8'000);
  CHECK(history.oldest().value > 400);
  CHECK(history.disk_bytes() == 0);
  CHECK_FALSE(history.since({history.oldest().value - 1}, "", 10).ok());
}

TEST_CASE("kv history: a full disk allowance drops the oldest blocks, and so does one that cannot be read") {
  Store store;
  kv::History history({}, {.changes_max = 100'000, .memory_bytes_max = 4'000, .disk_bytes_max = 8'000});
  BlockDisk disk;
  for (int i = 0; i < 1'000; ++i) {
    history.add(store.txn({}, {raft_test::put("a", std::to_string(i))}).changes);
    if (history.wants_disk()) disk.take(history, false);
  }
  disk.erase(history);
  CHECK(history.disk_bytes() <= 8'000);
  std::uint64_t bytes = 0;
  for (const auto& [first, block] : disk.blocks) bytes += block.second.size();
  CHECK(bytes == history.disk_bytes());
  const auto seen = history.since(history.oldest(), "", 1);
  REQUIRE_FALSE(seen.ok());
  REQUIRE(seen.error().load);
  const auto broken = *seen.error().load;
  base::Bytes rotten = disk.blocks.at(broken.value).second;
  rotten[rotten.size() / 2] ^= 0xff;
  CHECK_FALSE(kv::decode_changes(*history.stored(broken), base::ByteView(rotten).first(rotten.size() - 1)));
  history.unreadable(broken);
  CHECK(history.oldest() > broken);
  CHECK(history.stored(broken) == nullptr);
}

TEST_CASE("kv history: a filter never denies a key that it has, and seldom claims another") {
  kv::KeyFilter filter(1'000);
  for (int i = 0; i < 1'000; ++i) filter.add("key/" + std::to_string(i));
  for (int i = 0; i < 1'000; ++i) CHECK(filter.maybe("key/" + std::to_string(i)));
  int false_claims = 0;
  for (int i = 0; i < 10'000; ++i) false_claims += filter.maybe("other/" + std::to_string(i));
  CHECK(false_claims < 400);
}
