#pragma once
// The history of a group's keys at this member (logic/kv/history.hpp), and its rows in the store of this node.
//
// Rows    `raft-history`: for each block an index row and rows of at most kBlockPartBytes, by group, incarnation and
//         first revision. They are written after the log: entries whose rows a crash loses are applied again. Before
//         the log is cut at a snapshot, settle() waits until the store has all earlier revisions.
// Failed  after a failed write, blocks wait in memory, and at the limit the oldest are forgotten; the group continues.
//         An unreadable block is forgotten with all earlier blocks.
// Leave   no block is written if less than kHistoryLeaves of the device would stay free.
// Limits  at most one block is read, and one commit is in progress, at a time.
#include <map>
#include <string>

#include "actors/raft/logic/kv/history.hpp"
#include "actors/raft/settings.hpp"
#include "runtime/actor/part.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::raft {

inline constexpr std::uint64_t kHistoryLeaves = std::uint64_t{256} << 20;  // our choice: what a log needs for a while
inline constexpr std::chrono::seconds kHistoryRetry{5};                    // our choice

class KvHistory final : public runtime::Part {
 public:
  KvHistory(runtime::Actor& owner, SharedSettings settings, const std::string& group);

  void receive(runtime::Handlers& on);
  /// Starts the history again with the machine at `start`. Blocks that this incarnation stored earlier are found later.
  void begin(std::uint64_t incarnation, kv::Revision start, kv::Revision oldest);
  void add(const std::vector<kv::Changed>& changes);
  void compact(kv::Revision oldest);
  /// Calls back once everything added so far is stored, or cannot be stored.
  void settle(base::Callback<void()> done);

  kv::Revision oldest() const { return history_.oldest(); }
  base::Result<kv::History::Seen, kv::Elsewhere> since(kv::Revision from, const std::string& prefix,
                                                       std::size_t limit) const {
    auto out = history_.since(from, prefix, limit);
    return out.ok() ? std::move(out) : later(out.error());
  }
  /// Finds a past value. `found` may be called at once; the error that it gets has no `load`.
  void get(kv::Lookup ask, const kv::Row* present, base::Callback<void(base::Result<kv::Value, kv::Elsewhere>)> found);
  /// Calls back once that block is loaded or forgotten.
  void load(kv::Revision block, base::Callback<void()> done);

 private:
  struct RowsAgain {};
  struct FindAgain {};
  struct LoadAgain {};
  /// Asks for a load until the stored blocks are known, because a missing revision may be on the disk.
  kv::Elsewhere later(kv::Elsewhere where) const {
    if (!ready_ && !where.load) where.load.emplace();
    return where;
  }
  kv::History fresh(kv::Revision start) const;
  base::Bytes key(char kind, std::uint64_t incarnation, kv::Revision first) const;
  base::Bytes part_key(std::uint64_t incarnation, kv::Revision first, std::uint32_t part) const;
  void erase_block(store::RowChange& change, std::uint64_t incarnation, const kv::History::Erased& block) const;
  void find(base::Bytes from);
  void found();
  void write(bool all);
  void written(bool stored);
  void load_next();
  void load_part(kv::BlockIndex index, base::Bytes bytes, std::uint32_t part);
  void load_ended();

  const SharedSettings settings_;
  const std::string group_;
  store::Rows rows_;
  kv::History history_;
  std::uint64_t incarnation_ = 0, run_ = 0;  // responses for an earlier run are ignored
  kv::Revision machine_oldest_;
  std::vector<kv::BlockIndex> found_;
  store::RowChange useless_;                      // rows of other incarnations
  bool ready_ = false;                            // the blocks stored earlier are known
  bool writing_ = false;                          // a commit is in progress
  base::Instant write_at_{};                      // earliest retry after a failed commit
  std::vector<base::Callback<void()>> settling_;  // callbacks that wait for a commit that has not begun
  std::vector<base::Callback<void()>> settled_;   // callbacks that wait for the current commit
  std::map<kv::Revision, std::vector<base::Callback<void()>>> loads_;
  std::optional<kv::Revision> loading_;
};

}  // namespace troupe::raft
