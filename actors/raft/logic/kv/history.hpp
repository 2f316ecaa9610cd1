#pragma once
// The latest changes in memory, for watchers that begin at a revision and for reads of the past.
//
// Oldest   the first revision from which all changes are here. Below it a watch or a read is refused, and told which is
//          the oldest. It rises by the group's compaction, and where memory is full.
// Limits   `rows_max` changes and `bytes_max`; the oldest revision goes first, whole.
// Owner    one member; not thread-safe.
#include <algorithm>
#include <deque>
#include <vector>

#include "actors/raft/logic/kv/machine.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft::kv {

/// The past that was asked for is gone.
struct Compacted {
  Revision oldest;  ///< that can be asked for
};

class History {
 public:
  /// `start`: the machine's revision, when nothing of its past is known.
  History(Revision start, std::size_t rows_max, std::size_t bytes_max)
      : oldest_{start.value + 1}, newest_(start), rows_max_(rows_max), bytes_max_(bytes_max) {}

  /// The changes of one command, in order.
  void add(const std::vector<Changed>& changes) {
    for (const Changed& change : changes) {
      changes_.push_back(change);
      bytes_ += bytes_of(change);
      newest_ = change.revision;
    }
    while (!changes_.empty() && (changes_.size() > rows_max_ || bytes_ > bytes_max_))
      compact({changes_.front().revision.value + 1});
  }
  /// Forgets what is before `oldest`.
  void compact(Revision oldest) {
    oldest_ = std::max(oldest_, std::min(oldest, Revision{newest_.value + 1}));
    while (!changes_.empty() && changes_.front().revision < oldest_) {
      bytes_ -= bytes_of(changes_.front());
      changes_.pop_front();
    }
  }

  Revision oldest() const { return oldest_; }
  std::size_t size() const { return changes_.size(); }

  /// Changes of keys that begin with `prefix`, from revision `from` on, at most `limit`, whole revisions as far as one
  /// fits; go on with the revision after the last one.
  base::Result<std::vector<Changed>, Compacted> since(Revision from, const std::string& prefix,
                                                      std::size_t limit) const {
    if (from < oldest_) return Compacted{oldest_};
    std::vector<Changed> out;
    for (auto at = first(from); at != changes_.end(); ++at) {
      if (out.size() >= limit && out.back().revision != at->revision) break;
      if (at->key.starts_with(prefix)) out.push_back(*at);
    }
    return out;
  }

  /// The value of `key` after revision `at`; null if it was absent. `present` is its row now.
  base::Result<Value, Compacted> get(const std::string& key, Revision at, const Row* present) const {
    if (present && present->changed <= at) return present->value;
    // All changes behind `at` are here if the one after it is; the value before them is in the last change up to it.
    if (Revision{at.value + 1} < oldest_) return Compacted{oldest_};
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change)
      if (change->revision <= at && change->key == key) return change->value;
    // Its last change up to `at` is forgotten, or there was none: the change after it knows which.
    const auto later =
        std::find_if(changes_.begin(), changes_.end(), [&](const Changed& change) { return change.key == key; });
    if (later == changes_.end() || (later->value && later->created == later->revision)) return Value{};
    return Compacted{oldest_};
  }

 private:
  static std::size_t bytes_of(const Changed& change) {
    return 128 + change.key.size() + change.request.size() + (change.value ? change.value->size() : 0);
  }
  std::deque<Changed>::const_iterator first(Revision from) const {
    return std::lower_bound(changes_.begin(), changes_.end(), from,
                            [](const Changed& change, Revision at) { return change.revision < at; });
  }
  std::deque<Changed> changes_;
  Revision oldest_, newest_;
  std::size_t rows_max_, bytes_max_;
  std::size_t bytes_ = 0;
};

}  // namespace troupe::raft::kv
