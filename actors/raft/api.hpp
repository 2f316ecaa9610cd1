#pragma once
// What other domains need from a group: its path, and the interface between a group and its state machine.
//
// Seam    a StateMachine lives in its group's actor (group_actor.hpp), and only that actor calls it. It uses Group to
//         submit changes and to read.
// Fence   a leader's effects outside the log carry Group::term(). A receiver that knows a higher term refuses them.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/raft/logic/output.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/base/callback.hpp"

namespace troupe::raft {

inline constexpr const char* kPath = "/raft";
inline constexpr std::size_t kGroupNameMax = 32;

inline std::string path_of(const std::string& group) { return std::string(kPath) + "/" + group; }
inline constexpr std::string_view kLogName = "log", kSnapshotsName = "snapshots";  // children of /raft next to groups
/// Returns whether `name` has 1 to 32 of a-z, 0-9, '-' and '_', and is not `log` or `snapshots`.
inline constexpr const char* kGroupNameIs =
    "a group's name has 1 to 32 of a-z, 0-9, '-' and '_', and is not `log` or `snapshots`";
bool is_group_name(std::string_view name);

/// A command that is to enter its group's log.
struct Submission {
  base::Instant due;
  std::size_t bytes = 0;  ///< approximate memory while it waits
  bool frees = false;     ///< it cannot enlarge the state: accepted even while devices are nearly full
  /// Returns the command's bytes, at most kCommandBytesMax, when this member proposes the command.
  base::Callback<Payload()> command;
  /// Called once: right after the command was applied, or with an error. `unavailable`: it will never be applied.
  /// `unknown_outcome`: it may be applied.
  base::Callback<void(base::Outcome<void>)> done;
  /// Sends the command to the leader, and submits it again if that member no longer leads. Empty if another member has
  /// forwarded the command to this member.
  base::Callback<void(std::shared_ptr<Submission> self, const runtime::Handle& leader)> forward{};
};

class Group {
 public:
  virtual ~Group() = default;
  virtual void submit(std::shared_ptr<Submission> submission) = 0;
  /// Submits the command again when the leader may have changed.
  virtual void park(std::shared_ptr<Submission> submission) = 0;
  /// Calls back once the machine's state is recent enough for a read that begins now, or with `unavailable`.
  virtual void read(base::Instant due, base::Callback<void(base::Outcome<void>)> ready) = 0;
  virtual bool serves() const = 0;
  virtual bool leads() const = 0;
  virtual Term term() const = 0;
  /// Returns the incarnation of the member that owns the machine.
  virtual std::uint64_t incarnation() const = 0;
  /// Returns the known leader, or null if there is none or this member leads.
  virtual runtime::Handle leader() = 0;
  /// Returns whether that node is a member.
  virtual bool has(const base::NodeId& node) const = 0;
};

/// The chunks of a snapshot: the state at one moment.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  virtual std::optional<base::Bytes> next(std::size_t bytes) = 0;
};

/// What a StateMachine shows of its state (messages/raft.capnp: GroupStatus). 0: it has no such value.
struct MachineStatus {
  std::uint64_t revision = 0, oldest_revision = 0;
  std::uint64_t keys = 0, leases = 0, sessions = 0, watchers = 0;
  std::uint64_t row_bytes = 0, rows_max = 0;
  std::vector<std::pair<std::string, std::uint64_t>> kinds{};  ///< bytes of the rows by kind, at most kKindsShown
};
inline constexpr std::size_t kKindsShown = 16;  // from messages/raft.capnp, GroupStatus

class StateMachine {
 public:
  virtual ~StateMachine() = default;
  /// Registers the handlers for its clients' messages.
  virtual void receive(runtime::Handlers& on) = 0;
  /// Returns the kinds of its clients' messages that may arrive over links.
  virtual std::vector<const messages::KindInfo*> kinds() const = 0;
  /// Applies a committed command. Submission::done is called next if this member proposed it, and takes the result.
  virtual void apply(const Entry& entry) = 0;
  /// Skips an entry that concerns only the group.
  virtual void skip(const Entry& entry) = 0;
  /// Notifies the machine that this member has begun or ceased to lead.
  virtual void leads(bool leads) = 0;
  /// Serves watchers and leases after a batch of messages. Returns when to call it again.
  virtual base::Instant tend() = 0;
  /// Returns a hash, which is the same on all members at one index.
  virtual std::uint64_t hash() const = 0;
  virtual std::unique_ptr<ChunkSource> freeze() = 0;
  /// Calls back once data outside of snapshots is on disk, or cannot be stored. Then the log before the snapshot is
  /// dropped.
  virtual void settle(base::Callback<void()> done) { done(); }
  /// Reads another state chunk by chunk. It replaces the current state at the end. Returns false if it cannot be read.
  virtual void begin_load() = 0;
  virtual bool load(base::ByteView chunk) = 0;
  virtual bool end_load(Index index) = 0;
  virtual MachineStatus status() const = 0;
};

/// Makes a group's machine. Owner and group outlive it.
using MakeMachine =
    std::function<std::unique_ptr<StateMachine>(runtime::Actor& owner, Group& group, const std::string& name)>;

}  // namespace troupe::raft
