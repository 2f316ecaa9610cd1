#pragma once
// The key-value store of a group: answers requests from clients with the machine of logic/kv.
//
// Write   the leader appends a command to the log, and responds once it is applied. Other members ask the leader, or
//         wait for the next leader. A command whose link ends is sent again only if it has a request id, because
//         otherwise its outcome is unknown. With an id it is also sent to a new leader while the old leader, which may
//         have stalled, has not responded.
// Read    linearizable at each member (Group::read()); stale reads use the state that this member has applied.
// Watch   from this member's history (kv_history.hpp). A watch that falls too far behind ends; no watch skips a change.
// Leases  the leader drops expired leases. Granting and keeping are commands, and each member counts the group's time,
//         so a new leader knows the remaining time of each lease. While there are leases, the leader proposes its time
//         from time to time, for members that restart.
// Trust   operators; members; nodes on loopback, and the nodes of `raft.clients`.
#include <list>
#include <optional>

#include "actors/raft/api.hpp"
#include "actors/raft/kv_history.hpp"
#include "actors/raft/logic/kv/group_time.hpp"
#include "actors/raft/logic/kv/lease_times.hpp"
#include "actors/raft/logic/kv/snapshot.hpp"
#include "actors/raft/settings.hpp"
#include "messages/raft.capnp.h"
#include "runtime/actor/part.hpp"

namespace troupe::raft {

inline constexpr std::uint32_t kRangeRowsMax = 1'000;                // messages/raft.capnp
inline constexpr std::size_t kRangeBytesMax = std::size_t{1} << 20;  // messages/raft.capnp
inline constexpr std::chrono::milliseconds kDueDefault{5'000};       // contract
inline constexpr std::chrono::hours kDueMax{1};
inline constexpr std::size_t kExpiredAtOnce = 64;  // our choice: leases dropped together

class KvService final : public StateMachine, public runtime::Part {
 public:
  KvService(runtime::Actor& owner, Group& group, SharedSettings settings, std::string name);

  void receive(runtime::Handlers& on) override;
  std::vector<const messages::KindInfo*> kinds() const override;
  void apply(const Entry& entry) override;
  void skip(const Entry& entry) override;
  void leads(bool leads) override;
  base::Instant tend() override;
  std::uint64_t hash() const override { return machine_.hash(); }
  std::unique_ptr<ChunkSource> freeze() override;
  void settle(base::Callback<void()> done) override { history_.settle(std::move(done)); }
  void begin_load() override;
  bool load(base::ByteView chunk) override;
  bool end_load(Index index) override;
  MachineStatus status() const override;
  /// For simulations.
  const kv::Machine& machine() const { return machine_; }

 private:
  struct WatchEnds {};
  struct Pending;
  struct Watcher {
    std::string prefix;
    kv::Revision next;
    runtime::Sink<wire::KeyChange> sink;
    std::size_t sent = 0;  // changes of `next` that were already sent
    bool over = false, loading = false;
    base::Instant end = base::Instant::max();
  };
  bool is_of_member() const;
  bool allowed(runtime::AnyReply& reply);
  base::Instant due(std::uint32_t ms) const;
  void execute(wire::Execute::Reader ask, runtime::Reply<wire::Executed> reply);
  void forward(std::shared_ptr<Pending> pending, std::shared_ptr<Submission> submission, const runtime::Handle& leader);
  void forward_again();
  void answer(runtime::Reply<wire::Executed>& reply, kv::LeaseId granted);
  void get(wire::GetKey::Reader ask, runtime::Reply<wire::GotKey> reply);
  void get_past(const std::string& key, kv::Revision revision, const kv::Row* row, runtime::Reply<wire::GotKey> reply);
  void range(wire::RangeKeys::Reader ask, runtime::Reply<wire::KeyRows> reply);
  void end_watches();
  void watch(wire::WatchKeys::Reader ask, runtime::Sink<wire::KeyChange> sink);
  void keep_proposed(kv::LeaseId id);
  void keep(wire::KeepLease::Reader ask, runtime::Reply<wire::LeaseKept> reply);
  void show(Watcher& watcher);
  bool show(Watcher& watcher, const kv::History::Seen& seen);
  base::Error forgotten(kv::Revision oldest) const;
  void command(kv::Command command);
  base::Instant forget_revisions();
  base::Instant tend_leases();

  Group& group_;
  const SharedSettings settings_;
  const std::string name_;
  kv::Machine machine_;
  KvHistory history_;
  std::uint64_t rows_max_ = 0;  // bytes
  kv::Applied latest_;          // result of the entry applied last
  std::optional<kv::SnapshotReader> reader_;
  bool read_any_ = false;
  bool leads_ = false, limits_proposed_ = false;
  kv::GroupTime time_;
  kv::LeaseTimes leases_;
  std::optional<std::int64_t> told_ms_;                      // the latest time that this leader has proposed for leases
  std::deque<std::pair<base::Instant, kv::Revision>> ages_;  // at a leader: times, and the latest revision at each
  std::list<Watcher> watchers_;
  struct Forwarded {
    std::shared_ptr<Pending> pending;
    std::shared_ptr<Submission> submission;
    Term term;
  };
  std::map<std::uint64_t, Forwarded> forwarded_;  // commands with a request id that wait for a leader's response
  std::uint64_t forwards_ = 0;
};

}  // namespace troupe::raft
