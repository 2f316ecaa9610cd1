#pragma once
// What a client may have done to the keys, as it stands in an entry of the log.
//
// Bytes   encode() is what is replicated; decode() takes what a peer sent: sizes are checked before anything is kept.
// Time    the leader writes its time into each command: sessions and leases end by it (group_time.hpp).
// Limits  below; a command beyond them is refused by decode(), so that all members refuse it alike.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kKeyBytesMax = 1'024;                     // contract
inline constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;    // contract
inline constexpr std::size_t kRequestBytesMax = 64;                    // our choice: a UUID in text, and room
inline constexpr std::size_t kOperationsMax = 1'024;                   // our choice: of one transaction, and conditions
inline constexpr std::size_t kCommandBytesMax = std::size_t{2} << 20;  // what an entry of the log may have
static_assert(kValueBytesMax + kKeyBytesMax + 256 < kCommandBytesMax);

struct Revision {
  std::uint64_t value = 0;  ///< of the whole store: one more for each command that changed something
  friend constexpr auto operator<=>(const Revision&, const Revision&) = default;
};
struct LeaseId {
  std::uint64_t value = 0;  ///< 0 is none
  friend constexpr auto operator<=>(const LeaseId&, const LeaseId&) = default;
};

using Value = std::shared_ptr<const base::Bytes>;  ///< never null in a command
inline bool same(const Value& a, const Value& b) { return a == b || (a && b && *a == *b); }

struct Condition {
  enum class Kind : std::uint8_t { absent, equals, revision };
  std::string key;
  Kind kind = Kind::absent;
  Value value{};        ///< equals
  Revision revision{};  ///< revision: the key was changed last at this one; 0 if it is absent
};

struct Operation {
  enum class Kind : std::uint8_t { put, remove, get };
  Kind kind = Kind::get;
  std::string key;
  Value value{};    ///< put
  LeaseId lease{};  ///< put: the key goes with it
};

/// All operations if all conditions hold, otherwise none. A put, a compare-and-set and a removal are small ones.
struct Txn {
  std::vector<Condition> conditions;
  std::vector<Operation> operations;
};
struct GrantLease {
  LeaseId id;  ///< drawn by the leader
  std::uint64_t ttl_ms = 0;
};
/// By a client, or by the leader when its time is over: the keys go with it.
struct DropLease {
  LeaseId id;
};
/// Revisions below this can no longer be asked for.
struct Compact {
  Revision oldest;
};
/// How many sessions are kept and for how long: the leader proposes its settings, so that all members have the same.
struct LimitSessions {
  std::uint64_t kept_ms = 0, rows_max = 0, bytes_max = 0;
};

/// Leases last for their whole time again, from the time of this command on.
struct KeepLeases {
  std::vector<LeaseId> ids;  ///< at most kOperationsMax
};

struct Command {
  std::int64_t time_ms = 0;  ///< of the group; a transaction without operations brings only that
  std::string request{};     ///< a retry with the same one is answered alike and changes nothing; empty: none
  std::variant<Txn, GrantLease, DropLease, Compact, LimitSessions, KeepLeases> what{};
};

/// Whether it surely makes the store no larger, but for its request id.
bool frees(const Command& command);

base::Bytes encode(const Command& command);
/// Nothing unless the bytes are within the limits and what encode() makes.
std::optional<Command> decode_command(base::ByteView bytes);

}  // namespace troupe::raft::kv
