#pragma once
// What must be made durable, what is being written, and what is durable: term and vote, and entries.
//
// Why     the log is written asynchronously: the core continues. A message that requires durability waits for the
//         number of its save.
// Order   saves are numbered from 1 and become durable in that order.
// Rewrite a save that completes does not count entries that were truncated since it began. An index is durable only if
//         its current entry is.
// Owner   one Raft; not thread-safe.
#include <algorithm>
#include <deque>
#include <limits>
#include <optional>

#include "actors/raft/logic/log.hpp"
#include "runtime/base/time.hpp"

namespace troupe::raft {

struct HardState {
  Term term;
  std::optional<MemberId> vote{};  ///< in `term`
  Index commit{};                  ///< a hint: a restarted member knows sooner which entries are committed

  friend bool operator==(const HardState&, const HardState&) = default;
};

struct Save {
  SaveId id;
  std::optional<Snapshot> restart{};  ///< happens first: the log restarts after this snapshot, which is already durable
  std::optional<HardState> state{};
  std::vector<Entry> entries{};  ///< they replace all entries from the first one's index on
};

class Saves {
 public:
  explicit Saves(Index durable) : durable_(durable), unsaved_(durable.next()) {}

  void state_changed() { state_pending_ = true; }
  void truncated(Index from) {
    durable_ = std::min(durable_, from.previous());
    unsaved_ = std::min(unsaved_, from);
    for (OnItsWay& save : on_their_way_) save.last = std::min(save.last, from.previous());
  }
  void restarted(Snapshot snapshot) {
    truncated(snapshot.index.next());
    durable_ = snapshot.index;
    unsaved_ = snapshot.index.next();
    restart_ = std::move(snapshot);
  }

  /// Returns the next save, if there is something to save.
  std::optional<Save> issue(const Log& log, const HardState& state, base::Instant now) {
    const bool entries = unsaved_ <= log.last();
    if (!entries && !state_pending_ && !restart_) return std::nullopt;
    Save save{.id = issued_ = issued_.next(), .restart = std::move(restart_)};
    restart_.reset();
    if (entries) save.entries = log.slice(unsaved_, log.last(), std::numeric_limits<std::size_t>::max());
    if (state_pending_) {
      save.state = state;
      state_save_ = issued_;
    }
    state_pending_ = false;
    unsaved_ = log.last().next();
    on_their_way_.push_back({issued_, log.last(), now});
    return save;
  }

  /// Records that all saves up to `id` are durable. Reporting a save twice, or one never issued, breaks an invariant.
  void saved(SaveId id) {
    base::ensure(id <= issued_ && id > done_, "a save is reported once, in order");
    while (!on_their_way_.empty() && on_their_way_.front().id <= id) {
      durable_ = std::max(durable_, on_their_way_.front().last);
      on_their_way_.pop_front();
    }
    done_ = id;
  }

  Index durable() const { return durable_; }
  SaveId done() const { return done_; }
  /// Returns the save that makes current term and vote durable.
  SaveId of_state() const { return state_pending_ ? issued_.next() : state_save_; }
  /// Returns the save that makes the current entry at `index` durable.
  SaveId of_entry(Index index) const {
    if (index <= durable_) return done_;
    for (const OnItsWay& save : on_their_way_)
      if (save.last >= index) return save.id;
    return issued_.next();
  }
  /// Returns when the oldest unreported save was issued, and its last entry.
  std::optional<std::pair<base::Instant, Index>> oldest() const {
    if (on_their_way_.empty()) return std::nullopt;
    return std::pair(on_their_way_.front().since, on_their_way_.front().last);
  }

 private:
  struct OnItsWay {
    SaveId id;
    Index last;
    base::Instant since;
  };
  Index durable_;
  Index unsaved_;  // the first entry that no save has
  bool state_pending_ = false;
  std::optional<Snapshot> restart_;
  SaveId issued_, done_, state_save_;
  std::deque<OnItsWay> on_their_way_;
};

}  // namespace troupe::raft
