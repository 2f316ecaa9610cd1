#pragma once
// What a node says about tasks. Fixed for the life of the actors.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "actors/task/api.hpp"
#include "actors/task/counters.hpp"
#include "actors/task/logic/provider.hpp"
#include "actors/task/logic/spot.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/ports/hardware.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::task {

inline constexpr const char* kTaskRows = "task";  // keyspaces, and sources of health
inline constexpr const char* kTextRows = "task-texts";
inline constexpr const char* kMaliceRows = "task-malice";
inline constexpr const char* kWarningRows = "task-warnings";
inline constexpr const char* kSandboxSource = "sandbox";
inline constexpr const char* kDirectory = "tasks";  // of this domain, below the node's
inline constexpr std::size_t kPieceBytes = 65'536;  // messages/task.capnp
inline constexpr std::chrono::seconds kSign{1};     // of life, of an attempt
/// Of a stream in which nothing may happen for hours: its writer's side forgets one that is silent for longer.
inline constexpr std::chrono::minutes kStillThere{2};
inline constexpr std::chrono::seconds kFetchIdle{120};  // of a content that comes from other nodes

struct TaskSettings {
  std::shared_ptr<const crypto::Identity> identity;
  unsigned work_bits = crypto::kWorkBitsDefault;
  std::shared_ptr<runtime::Links> links;
  std::optional<sandbox::Cores> slots;  ///< nothing: those of the machine; 0: it takes no tasks
  std::uint64_t memory_bytes = 0;       ///< of all tasks that run; 0: three quarters of the machine's
  base::Duration lease = std::chrono::seconds{10};
  base::Duration queue_max = std::chrono::hours{1};
  std::uint64_t inputs_bytes = 0;  ///< of files that are kept for tasks
  /// KiB that are written for other nodes' tasks, our choice: as a link of 0.5 Gbit/s brings.
  base::Rate inputs_written{64 * 1024, 1024 * 1024};
  std::uint64_t kept_bytes = 0;  ///< of what tasks have printed and left
  std::uint32_t tasks_max = 10'000;
  base::Duration pay_margin = std::chrono::hours{1};  ///< beyond its time, for an attempt that is paid
  double dishonest = 0.1;                             ///< share of workers that are thought to collude
  bool require_verified = true;                       ///< others get tasks once they have answered checks right
  std::uint32_t checks_per_hour = 60;                 ///< that this node begins
  std::uint64_t check_rounds = kSpotRounds;           ///< of hashing, of each of them
  Provider provider;                                  ///< of others: whose, and when
  std::vector<std::string> network;  ///< patterns of the hosts that tasks may talk to (logic/network.hpp)
  std::function<base::Endpoint()> endpoint = [] { return base::Endpoint{}; };  ///< by which others reach this node
  /// Where a node is linked from, which nothing that it says of itself can change; nothing: it is not.
  std::function<std::optional<base::Endpoint>(const base::NodeId&)> linked_at = [](const base::NodeId&) {
    return std::optional<base::Endpoint>();
  };
  bool host_usr = false;  ///< /usr of the machine is seen inside
  bool tripwires = true;
  base::Duration malice_refused = std::chrono::days(30);  ///< a submitter whose program was malicious
  bool trust = true;  ///< one answer is enough of a node whose answers were right before, where replicas may differ
  bool each_node_alone = false;  ///< each node counts as an address group
  std::string store = "/store";
  std::string files = "/files";
  std::string registry = "/registry/list";
  std::string reputation = "/reputation";
  observe::Health* health = nullptr;  ///< outlives the actors; null: not told
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();

  base::NodeId self() const { return identity->id(); }
  /// Of the cgroups of its sandboxes.
  std::string group() const { return "troupe-" + self().hex().substr(0, 8); }
  /// What a machine gives to tasks.
  sandbox::Cores slots_of(const ports::Hardware::Has& has) const {
    constexpr std::uint32_t kCore = 1'000;
    return slots.value_or(sandbox::Cores{static_cast<std::uint32_t>(has.cores) * kCore});
  }
  std::uint64_t memory_of(const ports::Hardware::Has& has) const {
    return memory_bytes > 0 ? memory_bytes : has.memory_bytes / 4 * 3;
  }
  /// Processes and threads of all tasks of other nodes that run: an eighth of those that there may be. Where
  /// descriptors that are passed count for this process, too, each may pass one message of them, and leaves half.
  static std::uint32_t pids_of_others(const ports::Hardware::Has& has) {
    constexpr std::uint64_t kUsual = 32'768, kPart = 8, kMost = 1u << 20;
    constexpr std::uint64_t kOfMessage = 253;  // Linux takes no more with one
    const std::uint64_t pass = has.passed > 0 ? has.passed / 2 / kOfMessage : kMost;
    return static_cast<std::uint32_t>(std::min({(has.pids > 0 ? has.pids : kUsual) / kPart, pass, kMost}));
  }
  store::Rows::Setup rows(const char* keyspace, const char* what) const {
    return {.store = store,
            .keyspace = keyspace,
            .what = what,
            .source = keyspace,
            .health = health,
            .unread_is = observe::HealthState::degraded};
  }
};

}  // namespace troupe::task
