#pragma once
// What another domain needs of a group: its path, and the seam between a group and the machine that stands on it.
//
// Seam    a StateMachine lives in the actor of its group (group_actor.hpp) and is called by it alone. It asks the group
//         for changes and reads through Group.
// Fence   what a leader does outside of the log carries Group::term(): who knows a higher term refuses it.
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
inline constexpr std::string_view kLogName = "log", kSnapshotsName = "snapshots";  // children of /raft beside groups
/// 1 to 32 of a-z, 0-9, '-' and '_', and no name of those.
inline constexpr const char* kGroupNameIs =
    "a group's name has 1 to 32 of a-z, 0-9, '-' and '_', and is not `log` or `snapshots`";
bool is_group_name(std::string_view name);

/// A command on its way to the log of its group.
struct Submission {
  base::Instant due;
  std::size_t bytes = 0;  ///< about what it takes while it waits
  bool frees = false;     ///< it makes the state no larger: it is taken while devices are nearly full
  /// Its bytes, at the moment when this member proposes it. At most kCommandBytesMax.
  base::Callback<Payload()> command;
  /// Once: right after it was applied, or why it was not. `unavailable`: it never will be. `unknown_outcome`.
  base::Callback<void(base::Outcome<void>)> done;
  /// Asks the leader in its place, and submits it again if that one does not lead; empty: it came from a member
  /// already.
  base::Callback<void(std::shared_ptr<Submission> self, const runtime::Handle& leader)> forward{};
};

class Group {
 public:
  virtual ~Group() = default;
  virtual void submit(std::shared_ptr<Submission> submission) = 0;
  /// Submits it again when there is news of the leader.
  virtual void park(std::shared_ptr<Submission> submission) = 0;
  /// Calls back once the machine is at a state from which a read that begins now may be answered, or with
  /// `unavailable`.
  virtual void read(base::Instant due, base::Callback<void(base::Outcome<void>)> ready) = 0;
  virtual bool serves() const = 0;
  virtual bool leads() const = 0;
  virtual Term term() const = 0;
  /// Of the member that the machine belongs to.
  virtual std::uint64_t incarnation() const = 0;
  /// Of the leader that is known; null: none is, or this member leads.
  virtual runtime::Handle leader() = 0;
  /// Whether that node is a member.
  virtual bool has(const base::NodeId& node) const = 0;
};

/// The chunks of a snapshot, of the state at one moment.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  virtual std::optional<base::Bytes> next(std::size_t bytes) = 0;
};

/// What a StateMachine shows of its state (messages/raft.capnp: GroupStatus); zero where it has no such thing.
struct MachineStatus {
  std::uint64_t revision = 0, oldest_revision = 0;
  std::uint64_t keys = 0, leases = 0, sessions = 0, watchers = 0;
  std::uint64_t row_bytes = 0, rows_max = 0;
  std::vector<std::pair<std::string, std::uint64_t>> kinds{};  ///< bytes of the rows of each kind, at most kKindsShown
};
inline constexpr std::size_t kKindsShown = 16;  // of messages/raft.capnp, GroupStatus

class StateMachine {
 public:
  virtual ~StateMachine() = default;
  /// Names the handlers of what its clients send.
  virtual void receive(runtime::Handlers& on) = 0;
  /// The kinds among these that may come over links.
  virtual std::vector<const messages::KindInfo*> kinds() const = 0;
  /// A committed command; its answer is for Submission::done, which is called next if this member proposed it.
  virtual void apply(const Entry& entry) = 0;
  /// An entry that is for the group alone.
  virtual void skip(const Entry& entry) = 0;
  /// Leads from now on, or no more.
  virtual void leads(bool leads) = 0;
  /// After what was at hand: watchers, leases. Returns when it wants to be called again.
  virtual base::Instant tend() = 0;
  /// The same at all members at one index.
  virtual std::uint64_t hash() const = 0;
  virtual std::unique_ptr<ChunkSource> freeze() = 0;
  /// Calls back once what it keeps beside its snapshots is on the disk, or cannot be: then the log before the snapshot
  /// goes.
  virtual void settle(base::Callback<void()> done) { done(); }
  /// Another state is read chunk by chunk, and takes the place of the present one at the end. False: it cannot be read.
  virtual void begin_load() = 0;
  virtual bool load(base::ByteView chunk) = 0;
  virtual bool end_load(Index index) = 0;
  virtual MachineStatus status() const = 0;
};

/// Makes the machine of a group; both outlive it.
using MakeMachine =
    std::function<std::unique_ptr<StateMachine>(runtime::Actor& owner, Group& group, const std::string& name)>;

}  // namespace troupe::raft
