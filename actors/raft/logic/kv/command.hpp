#pragma once
// The commands of clients on keys, as a log entry has them.
//
// Bytes   encode() returns the replicated bytes. decode_command() reads bytes from a peer: it checks sizes before it
//         stores anything.
// Time    the leader writes its time into each command. Sessions and leases end by that time (group_time.hpp).
// Limits  the constants below. decode_command() refuses a command beyond them, so all members refuse it alike.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kKeyBytesMax = 1'024;                     // contract
inline constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;    // contract
inline constexpr std::size_t kRequestBytesMax = 64;                    // our choice: a UUID as text, and some more
inline constexpr std::size_t kOperationsMax = 1'024;                   // our choice: also for conditions
inline constexpr std::size_t kCommandBytesMax = std::size_t{2} << 20;  // limit of a log entry
static_assert(kValueBytesMax + kKeyBytesMax + 256 < kCommandBytesMax);

struct Revision {
  std::uint64_t value = 0;  ///< for the whole store: each command that changes something adds one
  friend constexpr auto operator<=>(const Revision&, const Revision&) = default;
};
struct LeaseId {
  std::uint64_t value = 0;  ///< 0: none
  friend constexpr auto operator<=>(const LeaseId&, const LeaseId&) = default;
};

using Value = std::shared_ptr<const base::Bytes>;  ///< never null in a command
inline bool same(const Value& a, const Value& b) { return a == b || (a && b && *a == *b); }

struct Condition {
  enum class Kind : std::uint8_t { absent, equals, revision };
  std::string key;
  Kind kind = Kind::absent;
  Value value{};        ///< for equals
  Revision revision{};  ///< for revision: the revision of the key's last change; 0 if the key is absent
};

struct Operation {
  enum class Kind : std::uint8_t { put, remove, get };
  Kind kind = Kind::get;
  std::string key;
  Value value{};    ///< for put
  LeaseId lease{};  ///< for put: the key is removed when this lease ends
};

/// Does all operations if all conditions hold, otherwise none. Put, compare-and-set and removal are small transactions.
struct Txn {
  std::vector<Condition> conditions;
  std::vector<Operation> operations;
};
struct GrantLease {
  LeaseId id;  ///< drawn by the leader
  std::uint64_t ttl_ms = 0;
};
/// From a client, or from the leader when the lease expires. Also removes the lease's keys.
struct DropLease {
  LeaseId id;
};
/// Revisions below this can no longer be read.
struct Compact {
  Revision oldest;
};
/// Limits of the stored sessions. The leader proposes its settings, so that all members have the same.
struct LimitSessions {
  std::uint64_t kept_ms = 0, rows_max = 0, bytes_max = 0;
};

/// From this command's time on, the leases get their whole time again.
struct KeepLeases {
  std::vector<LeaseId> ids;  ///< at most kOperationsMax
};

struct Command {
  std::int64_t time_ms = 0;  ///< the group's time; a transaction without operations carries only this
  std::string request{};     ///< a retry with the same id gets the same response and changes nothing; empty: none
  std::variant<Txn, GrantLease, DropLease, Compact, LimitSessions, KeepLeases> what{};
};

/// Returns whether it certainly does not enlarge the store, except for its request id.
bool frees(const Command& command);

base::Bytes encode(const Command& command);
/// Returns nullopt unless the bytes are within the limits and canonical.
std::optional<Command> decode_command(base::ByteView bytes);

}  // namespace troupe::raft::kv
