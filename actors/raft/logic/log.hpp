#pragma once
// What a member knows of its log: the terms of all entries after the snapshot, and as many entries as memory allows.
// Older entries are only on the disk.
//
// Source  thesis 3.5 (log), 5.1 (snapshot); 4.1: a configuration is in effect as soon as its entry is in the log.
// Window  holds all entries from some index to the last; evict() moves its beginning. The owner never evicts entries
//         that are not applied or not durable.
// Limits  the owner's: evict() and compact() keep memory bounded.
// Owner   one Raft; not thread-safe.
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "actors/raft/logic/configuration.hpp"

namespace troupe::raft {

enum class EntryKind : std::uint8_t {
  command = 0,     ///< for the state machine
  membership = 1,  ///< `data` is an encoded Configuration
  term_start = 2,  ///< a leader's first entry (thesis 6.4); empty
};
inline constexpr std::uint8_t kEntryKindMax = 2;

using Payload = std::shared_ptr<const base::Bytes>;

struct Entry {
  Index index;
  Term term;
  EntryKind kind = EntryKind::command;
  Payload data{};  ///< null means empty

  std::size_t bytes() const { return 32 + (data ? data->size() : 0); }
  base::ByteView view() const { return data ? base::ByteView(*data) : base::ByteView{}; }
  friend bool operator==(const Entry& a, const Entry& b) {
    return a.index == b.index && a.term == b.term && a.kind == b.kind && std::ranges::equal(a.view(), b.view());
  }
};

/// A state that has applied all entries up to `index`, and replaces these entries.
struct Snapshot {
  Index index;
  Term term;
  Configuration configuration;
  std::uint64_t bytes = 0;  ///< size of the state machine's state; a member that fetches it checks its digest
  base::Digest digest{};

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// Returns the snapshot with which all founding members begin, at term 1. Members that join later fetch it.
inline Snapshot founding(Configuration configuration) {
  return {.index = Index{1}, .term = Term{1}, .configuration = std::move(configuration)};
}

enum class LogError : std::uint8_t {
  gap,        ///< its index does not follow the previous entry
  term_back,  ///< its term is below the previous entry's
  unknown,    ///< its kind or its configuration cannot be read
};

/// Returns what is wrong with `entry` after an entry of `index` and `term`, or nullopt if it is good.
std::optional<LogError> flaw(const Entry& entry, Index index, Term term);

class Log {
 public:
  /// Makes an empty log after `snapshot`, whose index and term are 0 for a member that knows nothing yet.
  explicit Log(Snapshot snapshot);

  const Snapshot& snapshot() const { return snapshot_; }
  Index first() const { return snapshot_.index.next(); }
  Index last() const;
  Term last_term() const;
  /// Returns nullopt below the snapshot and after the last entry.
  std::optional<Term> term_at(Index index) const;
  bool has(Index index, Term term) const { return term_at(index) == term; }
  /// Returns whether a log that ends with `last` and `last_term` is at least as complete as this log (thesis 3.6.1).
  bool covered_by(Index last, Term last_term) const;
  /// Returns the last index at or below `index` whose term is at most `term`, or the index before the snapshot's.
  Index last_at_most(Index index, Term term) const;

  /// Appends an entry from a file or a peer. After an error nothing has changed.
  base::Result<void, LogError> append(Entry entry);
  /// Drops `from` and all later entries, with their configurations. `from` is after the snapshot.
  void truncate(Index from);
  /// Forgets entries up to `snapshot.index`, which is in the log.
  void compact(Snapshot snapshot);
  /// Empties the log, which then begins after `snapshot`.
  void reset(Snapshot snapshot);

  /// Returns the entry, if the window has it.
  const Entry* find(Index index) const;
  Index window_first() const { return window_first_; }
  /// Returns entries from `from`, which the window has, to `to`: as many as fit into `bytes_max`, but at least one.
  std::vector<Entry> slice(Index from, Index to, std::size_t bytes_max) const;
  /// Removes entries up to `to` from memory, oldest first, while they use more than `bytes_max`.
  void evict(Index to, std::size_t bytes_max);
  /// Returns the bytes of the entries after `index`, which is at least the window's first index minus one.
  std::uint64_t bytes_behind(Index index) const;
  std::uint64_t window_bytes() const { return total_ - base_; }

  /// Returns the newest configuration in log or snapshot, and the entry that brought it.
  const Configuration& configuration() const { return configurations_.back().configuration; }
  Index configuration_index() const { return configurations_.back().index; }
  /// Returns the configuration in effect at `index`, which is not below the snapshot.
  const Configuration& configuration_at(Index index) const;

 private:
  struct Run {
    Index first;
    Term term;
  };
  struct Held {
    Entry entry;
    std::uint64_t end;  // bytes of all entries up to and including this entry
  };
  struct Configured {
    Index index;
    Configuration configuration;
  };
  std::uint64_t end_of(Index index) const;

  Snapshot snapshot_;
  std::vector<Run> runs_;  // of the entries after the snapshot, by `first`
  std::deque<Held> window_;
  Index window_first_;
  std::uint64_t base_ = 0;                  // `end` of the entry before the window
  std::uint64_t total_ = 0;                 // `end` of the last entry
  std::vector<Configured> configurations_;  // by index; never empty
};

}  // namespace troupe::raft
