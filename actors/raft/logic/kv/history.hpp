#pragma once
// Past changes, for watchers that begin at a revision and for reads of the past: the latest changes in memory, older
// changes on a disk.
//
// Blocks  have whole revisions, without a gap up to the newest. A full block waits to be stored (unsaved()). Stored
//         changes leave memory, and are loaded on request.
// Oldest  the first revision from which all changes are known. Watches and reads of earlier revisions are refused, and
//         the error names it. It rises by compaction, by the limits, and if neither disk nor memory can keep more.
// Start   blocks of an earlier run count up to the revision where this run began (restore()). Later changes are applied
//         again from the log.
// Limits  Limits. Without a disk whole revisions are dropped, oldest first. With a disk, changes that wait to be stored
//         use at most twice `memory_bytes_max`.
// Owner   one member, which reads and writes the disk. Not thread-safe.
#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "actors/raft/logic/kv/history_block.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kLoadedBlocksMax = 4;  // our choice: readers at different times

/// The requested past revisions are not in memory.
struct Elsewhere {
  Revision oldest;               ///< the oldest revision that can be read
  std::optional<Revision> load;  ///< load the block with this first revision, then ask again
};

/// A read of the past that continues after a block was loaded.
struct Lookup {
  std::string key;
  Revision at;
  bool later = false;               ///< no change up to `at` was found: searches for the next change
  std::optional<Revision> reached;  ///< the read continues at this revision
};

class History {
 public:
  struct Limits {
    std::size_t changes_max = 0, memory_bytes_max = 0;
    std::uint64_t disk_bytes_max = 0;  ///< 0: there is no disk
  };
  struct Seen {
    std::vector<Changed> changes;
    Revision next;  ///< revision at which to continue
  };
  /// A block that is to be written to disk.
  struct Unsaved {
    BlockIndex index;
    base::Bytes bytes;
  };
  /// A block whose rows are to be erased.
  struct Erased {
    Revision first;
    std::uint32_t parts = 0;
    friend bool operator==(const Erased&, const Erased&) = default;
  };

  /// `start`: the machine's revision. None of its past is known yet.
  History(Revision start, Limits limits)
      : oldest_{start.value + 1},
        newest_(start),
        start_(start),
        limits_(limits),
        block_bytes_(limits.memory_bytes_max / 8) {}

  /// Adds the changes of one command, in order.
  void add(const std::vector<Changed>& changes);
  /// Forgets changes before `oldest`.
  void compact(Revision oldest);

  Revision oldest() const { return oldest_; }
  std::size_t size() const { return changes_; }
  std::size_t memory_bytes() const { return memory_; }
  std::uint64_t disk_bytes() const { return disk_; }

  /// Returns at most `limit` changes of keys with the prefix `prefix`, from revision `from`: whole revisions, unless
  /// the first has more changes. Returns fewer, perhaps none, if a block must be loaded next.
  base::Result<Seen, Elsewhere> since(Revision from, const std::string& prefix, std::size_t limit) const;
  /// Returns a key's value after a revision, or null if it was absent. `present` is its current row.
  base::Result<Value, Elsewhere> get(Lookup& ask, const Row* present) const;

  // -- the disk

  /// Returns whether enough changes wait for the disk, and no write is in progress.
  bool wants_disk() const;
  /// Returns the blocks to store now. saved() must report the result. `all`: includes the block that is not full.
  std::vector<Unsaved> unsaved(bool all);
  void saved(bool stored);
  bool saving() const { return saving_; }
  /// Returns the blocks that the disk no longer needs to keep.
  std::vector<Erased> erased() { return std::exchange(erased_, {}); }
  /// Adds blocks of an earlier run, by their first revisions. `oldest`: the machine's oldest revision.
  void restore(std::vector<BlockIndex> blocks, Revision oldest);
  /// Returns the index of a block named by `load`, or null if it has been forgotten.
  const BlockIndex* stored(Revision first) const;
  void loaded(Revision first, std::deque<Changed> changes);
  /// Records that the block cannot be read: the past begins after it.
  void unreadable(Revision first);

 private:
  enum class State : std::uint8_t { open, full, saving, stored };
  struct Block {
    BlockIndex index;  // an open or full block has only its first revision
    Revision last;     // the last revision that counts: later changes, stored by an earlier run, do not
    std::deque<Changed> changes{};
    std::size_t memory = 0, count = 0;
    State state = State::open;
    bool too_large = false;  // it is not stored on the disk
  };
  static std::size_t bytes_of(const Changed& change) {
    return 128 + change.key.size() + change.request.size() + (change.value ? change.value->size() : 0);
  }
  static bool may_have(const Block& block, const std::string& key) {
    return block.state != State::stored || block.index.keys.maybe(key);
  }
  std::size_t block_of(Revision revision) const;
  const std::deque<Changed>* changes_of(const Block& block) const;
  Elsewhere behind(const Block& block) const { return {oldest_, block.index.first}; }
  bool on_disk(const Block& block) const { return block.state == State::stored || block.state == State::saving; }
  void forget_front();
  void drop_front();
  void release(Block& block);
  void trim();

  std::deque<Block> blocks_;  // oldest first
  std::size_t released_ = 0;  // blocks at the front that are not in memory
  Revision oldest_, newest_, start_;
  Limits limits_;
  std::size_t block_bytes_;
  std::size_t changes_ = 0, memory_ = 0;
  std::uint64_t disk_ = 0;
  bool saving_ = false;
  std::vector<Erased> erased_;
  std::deque<std::pair<Revision, std::deque<Changed>>> loaded_;
};

}  // namespace troupe::raft::kv
