#pragma once
// What a member knows of its log: the terms of all entries behind the snapshot, and the entries themselves as far as
// memory goes. Older entries are on the disk alone.
//
// Source  thesis 3.5 (log), 5.1 (snapshot); 4.1: a configuration counts from the moment its entry is in the log.
// Window  holds all entries from some index to the last; evict() moves its beginning. What has not been applied, or is
//         not durable, is never evicted by its owner.
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
  term_start = 2,  ///< what a leader appends first (thesis 6.4); empty
};
inline constexpr std::uint8_t kEntryKindMax = 2;

using Payload = std::shared_ptr<const base::Bytes>;

struct Entry {
  Index index;
  Term term;
  EntryKind kind = EntryKind::command;
  Payload data{};  ///< null is empty

  std::size_t bytes() const { return 32 + (data ? data->size() : 0); }
  base::ByteView view() const { return data ? base::ByteView(*data) : base::ByteView{}; }
  friend bool operator==(const Entry& a, const Entry& b) {
    return a.index == b.index && a.term == b.term && a.kind == b.kind && std::ranges::equal(a.view(), b.view());
  }
};

/// The state after the entry `index`, which the snapshot stands for.
struct Snapshot {
  Index index;
  Term term;
  Configuration configuration;
  std::uint64_t bytes = 0;  ///< of the state machine's part, and its digest: for who fetches it
  base::Digest digest{};

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// What the founding members of a group begin with, at term 1 and all the same: who joins later fetches it.
inline Snapshot founding(Configuration configuration) {
  return {.index = Index{1}, .term = Term{1}, .configuration = std::move(configuration)};
}

enum class LogError : std::uint8_t {
  gap,        ///< its index does not follow the last one
  term_back,  ///< its term is below that of the entry before it
  unknown,    ///< its kind or its configuration cannot be read
};

/// What is wrong with `entry` behind an entry of `index` and `term`; nothing if it is good.
std::optional<LogError> flaw(const Entry& entry, Index index, Term term);

class Log {
 public:
  /// An empty log behind `snapshot`; index and term 0 for a member that knows nothing yet.
  explicit Log(Snapshot snapshot);

  const Snapshot& snapshot() const { return snapshot_; }
  Index first() const { return snapshot_.index.next(); }
  Index last() const;
  Term last_term() const;
  /// Nothing below the snapshot and behind the last entry.
  std::optional<Term> term_at(Index index) const;
  bool has(Index index, Term term) const { return term_at(index) == term; }
  /// Whether a log that ends there is as complete as this one (thesis 3.6.1).
  bool covered_by(Index last, Term last_term) const;
  /// The last index at or below `index` whose term is at most `term`; at least the index before the snapshot's.
  Index last_at_most(Index index, Term term) const;

  /// Appends what was read from a file or came from a peer; an error has changed nothing.
  base::Result<void, LogError> append(Entry entry);
  /// Drops `from` and all behind it, with their configurations. `from` is behind the snapshot.
  void truncate(Index from);
  /// Forgets entries up to `snapshot.index`, which is in the log.
  void compact(Snapshot snapshot);
  /// Begins anew behind `snapshot`.
  void reset(Snapshot snapshot);

  /// The entry, if the window has it.
  const Entry* find(Index index) const;
  Index window_first() const { return window_first_; }
  /// Entries from `from`, which the window has, to `to`: as many as fit into `bytes_max`, at least one.
  std::vector<Entry> slice(Index from, Index to, std::size_t bytes_max) const;
  /// Removes entries up to `to` from memory, the oldest first, while more than `bytes_max` are held.
  void evict(Index to, std::size_t bytes_max);
  /// Bytes of the entries behind `index`, which is not before the window's predecessor.
  std::uint64_t bytes_behind(Index index) const;
  std::uint64_t window_bytes() const { return total_ - base_; }

  /// The newest one in the log or of the snapshot, and the entry that brought it.
  const Configuration& configuration() const { return configurations_.back().configuration; }
  Index configuration_index() const { return configurations_.back().index; }
  /// The one that held at `index`, which is not below the snapshot.
  const Configuration& configuration_at(Index index) const;

 private:
  struct Run {
    Index first;
    Term term;
  };
  struct Held {
    Entry entry;
    std::uint64_t end;  // total bytes up to and with it
  };
  struct Configured {
    Index index;
    Configuration configuration;
  };
  std::uint64_t end_of(Index index) const;

  Snapshot snapshot_;
  std::vector<Run> runs_;  // of the entries behind the snapshot, by `first`
  std::deque<Held> window_;
  Index window_first_;
  std::uint64_t base_ = 0;                  // `end` of the entry before the window
  std::uint64_t total_ = 0;                 // `end` of the last entry
  std::vector<Configured> configurations_;  // by index; never empty
};

}  // namespace troupe::raft
