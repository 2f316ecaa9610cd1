#pragma once
// The keys of a group, and the effects of each committed command, which are the same at each member.
//
// Order    commands are applied by rising index; keys are ordered by their bytes.
// Revision a number for the whole store. A command that changes something adds one, whatever it changes.
// Sessions the answer to a command with a request id is kept: a repeated id gets the same answer and changes nothing.
//          Answers expire by the group's time in later commands. At the limit new ids are refused; no answer is lost.
// Leases   a lease's keys are removed when the lease is dropped. It has an end in the group's time, at which the leader
//          drops it (lease_times.hpp).
// Hash     rolls over all effects; if two members have different hashes at one index, a member is wrong.
// Owner    one group's state machine; not thread-safe. Reads no clock.
#include <algorithm>
#include <set>

#include "actors/raft/logic/kv/command.hpp"
#include "actors/raft/logic/kv/frozen_map.hpp"
#include "actors/raft/logic/types.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kAnswerBytesMax = std::size_t{2} << 20;  // for the values in one answer
inline constexpr std::size_t kRowBytes = 224;                         // measured: memory per row, except key and value
inline constexpr std::size_t kLeasesMax = 100'000;                    // our choice; further leases are refused

struct Row {
  Value value;
  Revision created, changed;
  LeaseId lease{};

  friend bool operator==(const Row& a, const Row& b) {
    return same(a.value, b.value) && a.created == b.created && a.changed == b.changed && a.lease == b.lease;
  }
};

enum class Outcome : std::uint8_t {
  done = 0,
  conflict = 1,       ///< a condition does not hold: nothing was changed
  no_lease = 2,       ///< a put names a lease that does not exist: nothing was changed
  lease_exists = 3,   ///< its id was already drawn
  sessions_full = 4,  ///< a new request id at the session limit: nothing was changed
  leases_full = 5,
  malformed = 6,         ///< the entry cannot be read; all members agree
  answer_too_large = 7,  ///< its gets would return more than kAnswerBytesMax: nothing was changed
};
inline constexpr std::uint8_t kOutcomeMax = 7;

/// The result for a client, the same for each repetition.
struct Answer {
  Outcome outcome = Outcome::done;
  Revision revision;          ///< the store's revision afterwards
  std::vector<Value> values;  ///< results of the gets in order, null if absent; after a conflict the value of the first
                              ///< condition that does not hold

  friend bool operator==(const Answer& a, const Answer& b) {
    return a.outcome == b.outcome && a.revision == b.revision &&
           std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), same);
  }
};

/// One key that a command has changed.
struct Changed {
  Revision revision;
  std::string key;
  Value value;         ///< null: removed
  Revision created{};  ///< the revision at which the present key was created; this revision if it was absent before
  std::string request;
};

struct Applied {
  Answer answer;
  bool repeated = false;         ///< the answer is the answer to an earlier command with this request id
  std::vector<Changed> changes;  ///< for watchers, in order
  LeaseId granted{}, dropped{};  ///< leases that began or ended with this command
  std::vector<LeaseId> kept{};   ///< leases whose end this command changed
};

struct Page {
  std::vector<std::pair<std::string, Row>> rows;
  bool more = false;
};

struct Lease {
  std::uint64_t ttl_ms = 0;
  std::int64_t end_ms = 0;  ///< in the group's time; 0: no leader has kept it yet (GrantLease has no end)
};
/// A century, the longest time of a lease.
inline constexpr std::uint64_t kTtlMaxMs = std::uint64_t{1} << 42;
inline std::int64_t end_of(const Lease& lease, std::int64_t from_ms) {
  return std::min(from_ms, std::int64_t{1} << 61) + static_cast<std::int64_t>(std::min(lease.ttl_ms, kTtlMaxMs));
}

/// The answer kept for a request id.
struct Session {
  std::int64_t time_ms = 0;
  Answer answer;
};

class Machine {
 public:
  /// Applies an entry of kind `command`. `index` is above all earlier indices.
  Applied apply(Index index, base::ByteView command);
  /// Notes an entry that concerns only the group.
  void skip(Index index) { at(index); }

  const Row* get(const std::string& key) const { return rows_.find(key); }
  /// Returns rows of keys with the prefix `prefix`, from key `from`: at most `limit` rows and about `bytes_max` bytes,
  /// but at least one row.
  Page range(const std::string& prefix, const std::string& from, std::size_t limit, std::size_t bytes_max) const;

  Index applied() const { return applied_; }
  Revision revision() const { return revision_; }
  Revision oldest() const { return oldest_; }
  /// Returns the latest time in a command, or 0 if there is none yet.
  std::int64_t time_ms() const { return time_ms_; }
  std::uint64_t hash() const { return hash_; }
  std::size_t keys() const { return rows_.rows().size(); }
  /// Returns the approximate memory of the rows. kRowBytes counts what allocator and map need for a row.
  std::uint64_t row_bytes() const { return row_bytes_; }
  /// Returns the memory of the rows of actors (kActorKeys), by kind of actor.
  const std::map<std::string, std::uint64_t, std::less<>>& kind_bytes() const { return kind_bytes_; }
  std::size_t sessions() const { return sessions_.rows().size(); }
  const LimitSessions& session_limits() const { return limits_; }
  const std::map<LeaseId, Lease>& leases() const { return leases_; }

 private:
  friend class SnapshotWriter;
  friend class SnapshotReader;
  void at(Index index);
  Answer perform(const Txn& txn, const std::string& request, std::vector<Changed>& changes);
  Answer perform(const GrantLease& grant, const std::string&, std::vector<Changed>&);
  Answer perform(const DropLease& drop, const std::string& request, std::vector<Changed>& changes);
  Answer perform(const Compact& compact, const std::string&, std::vector<Changed>&);
  Answer perform(const LimitSessions& limits, const std::string&, std::vector<Changed>&);
  Answer perform(const KeepLeases& keep, const std::string&, std::vector<Changed>&);
  const Condition* unmet(const Txn& txn) const;
  std::uint64_t answer_bytes(const Txn& txn) const;
  void put(const Operation& operation, Revision revision);
  bool remove(const std::string& key);
  void put_row(const std::string& key, Row row);
  bool erase_row(const std::string& key);
  void count(const std::string& key, const Row& row, bool there);
  void detach(const std::string& key, LeaseId lease);
  void note(const Changed& change);
  void expire_sessions();
  void keep(const std::string& request, const Answer& answer);

  Index applied_;
  Revision revision_, oldest_;
  std::uint64_t hash_ = 14'695'981'039'346'656'037ULL;  // FNV-1a
  std::int64_t time_ms_ = 0;                            // the latest time in a command
  LimitSessions limits_{.kept_ms = 3'600'000, .rows_max = 1'000'000, .bytes_max = std::uint64_t{256} << 20};

  FrozenMap<std::string, Row> rows_;
  std::uint64_t row_bytes_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> kind_bytes_;  // few, because only members write such keys
  FrozenMap<std::string, Session> sessions_;                      // by request id
  std::set<std::pair<std::int64_t, std::string>> by_age_;
  std::uint64_t session_bytes_ = 0;
  std::map<LeaseId, Lease> leases_;
  std::map<LeaseId, std::set<std::string>> leased_;  // keys; a lease without keys has no row
};

/// Returns the memory that the answer to `request` needs while it is kept.
std::uint64_t session_bytes(const std::string& request, const Answer& answer);

}  // namespace troupe::raft::kv
