#pragma once
// Past changes, for watchers that begin at a revision and for reads of the past: the latest in memory, older changes on
// a disk.
//
// Blocks   of whole revisions, without a gap up to the newest one. A full block waits to be stored (unsaved()). Once it
//          is stored, its changes need no memory, and are loaded again on request.
// Oldest   the first revision from which all changes are here. Below it a watch or a read is refused, and told which is
//          the oldest. It rises by the group's compaction, by the limits, and where no disk takes what memory cannot.
// Start    what an earlier run has stored counts up to the revision where this one began (restore()): what came behind
//          it is applied again, from the log.
// Limits   Limits. Without a disk the oldest revision is dropped first, whole; with a disk at most twice the memory
//          waits for it.
// Owner    one member, which reads and writes the disk. Not thread-safe.
#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "actors/raft/logic/kv/history_block.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kLoadedBlocksMax = 4;  // our choice: readers of different times

/// The past that was asked for is not here.
struct Elsewhere {
  Revision oldest;               ///< that can be asked for
  std::optional<Revision> load;  ///< the block with this first revision is to be loaded; then ask again
};

/// A read of the past that goes on where a block had to be loaded.
struct Lookup {
  std::string key;
  Revision at;
  bool later = false;               ///< no change up to `at` is here: looks for the first one behind it
  std::optional<Revision> reached;  ///< goes on there
};

class History {
 public:
  struct Limits {
    std::size_t changes_max = 0, memory_bytes_max = 0;
    std::uint64_t disk_bytes_max = 0;  ///< 0: there is no disk
  };
  struct Seen {
    std::vector<Changed> changes;
    Revision next;  ///< where to go on
  };
  /// A block on its way to the disk.
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

  /// `start`: the machine's revision, when nothing of its past is known.
  History(Revision start, Limits limits)
      : oldest_{start.value + 1},
        newest_(start),
        start_(start),
        limits_(limits),
        block_bytes_(limits.memory_bytes_max / 8) {}

  /// The changes of one command, in order.
  void add(const std::vector<Changed>& changes);
  /// Forgets what is before `oldest`.
  void compact(Revision oldest);

  Revision oldest() const { return oldest_; }
  std::size_t size() const { return changes_; }
  std::size_t memory_bytes() const { return memory_; }
  std::uint64_t disk_bytes() const { return disk_; }

  /// Changes of keys that begin with `prefix`, from revision `from` on, at most `limit`, whole revisions as far as one
  /// fits; fewer, perhaps none, where a block is to be loaded next.
  base::Result<Seen, Elsewhere> since(Revision from, const std::string& prefix, std::size_t limit) const;
  /// The value of a key after a revision; null if it was absent. `present` is its row now.
  base::Result<Value, Elsewhere> get(Lookup& ask, const Row* present) const;

  // -- the disk

  /// Whether enough waits for the disk, and nothing is under way.
  bool wants_disk() const;
  /// The blocks to store now, until saved() says what became of them. `all`: the block that is not full yet, too.
  std::vector<Unsaved> unsaved(bool all);
  void saved(bool stored);
  bool saving() const { return saving_; }
  /// What the disk no longer needs to keep.
  std::vector<Erased> erased() { return std::exchange(erased_, {}); }
  /// Of an earlier run, by their first revisions. `oldest`: the machine's.
  void restore(std::vector<BlockIndex> blocks, Revision oldest);
  /// The index of a block that `load` has named; null if it is forgotten by now.
  const BlockIndex* stored(Revision first) const;
  void loaded(Revision first, std::deque<Changed> changes);
  /// It cannot be read: the past begins behind it.
  void unreadable(Revision first);

 private:
  enum class State : std::uint8_t { open, full, saving, stored };
  struct Block {
    BlockIndex index;  // of an open or full block its first revision alone
    Revision last;     // that counts: what an earlier run has stored behind it does not
    std::deque<Changed> changes{};
    std::size_t memory = 0, count = 0;
    State state = State::open;
    bool too_large = false;  // for the disk
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

  std::deque<Block> blocks_;  // the oldest first
  std::size_t released_ = 0;  // of them, from the front on, that are not in memory
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
