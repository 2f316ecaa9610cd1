#pragma once
// Settings of a node for tasks. Fixed for the life of the actors.
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

inline constexpr const char* kTaskRows = "task";  // keyspaces, and health sources
inline constexpr const char* kTextRows = "task-texts";
inline constexpr const char* kMaliceRows = "task-malice";
inline constexpr const char* kWarningRows = "task-warnings";
inline constexpr const char* kSandboxSource = "sandbox";
inline constexpr const char* kDirectory = "tasks";  // this domain's folder in the node's data directory
inline constexpr std::size_t kPieceBytes = 65'536;  // messages/task.capnp
inline constexpr std::chrono::seconds kSign{1};     // period of an attempt's signs of life
/// Period of signs of life in a stream that may be idle for hours. The runtime ends a stream that is silent too long.
inline constexpr std::chrono::minutes kStillThere{2};
inline constexpr std::chrono::seconds kFetchIdle{120};  // idle limit while an object is fetched from other nodes

struct TaskSettings {
  std::shared_ptr<const crypto::Identity> identity;
  unsigned work_bits = crypto::kWorkBitsDefault;
  std::shared_ptr<runtime::Links> links;
  std::optional<sandbox::Cores> slots;  ///< nullopt: the machine's; 0: it takes no tasks
  std::uint64_t memory_bytes = 0;       ///< for all running tasks; 0: three quarters of the machine's
  base::Duration lease = std::chrono::seconds{10};
  base::Duration queue_max = std::chrono::hours{1};
  std::uint64_t inputs_bytes = 0;  ///< for the files kept for tasks
  /// KiB written for other nodes' tasks. Our choice: as much as a link of 0.5 Gbit/s brings.
  base::Rate inputs_written{64 * 1024, 1024 * 1024};
  std::uint64_t kept_bytes = 0;  ///< for the output of tasks
  std::uint32_t tasks_max = 10'000;
  base::Duration pay_margin = std::chrono::hours{1};  ///< for a paid attempt's result, after its program's time limit
  double dishonest = 0.1;                             ///< share of workers that are assumed to collude
  bool require_verified = true;                       ///< other nodes get tasks only once they passed checks
  std::uint32_t checks_per_hour = 60;                 ///< begun by this node
  std::uint64_t check_rounds = kSpotRounds;           ///< of hashing, in each check
  Provider provider;                                  ///< whose tasks are taken, and when
  std::vector<std::string> network;  ///< patterns of hosts that tasks may connect to (logic/network.hpp)
  std::function<base::Endpoint()> endpoint = [] { return base::Endpoint{}; };  ///< how other nodes reach this node
  /// Returns the address from which a node is linked, which the node cannot forge, or nullopt if it is not linked.
  std::function<std::optional<base::Endpoint>(const base::NodeId&)> linked_at = [](const base::NodeId&) {
    return std::optional<base::Endpoint>();
  };
  bool host_usr = false;  ///< tasks see the machine's /usr
  bool tripwires = true;
  base::Duration malice_refused = std::chrono::days(30);  ///< for a submitter with a malicious program
  bool trust = true;             ///< one result of a trusted node is enough if the quorum is below the replicas
  bool each_node_alone = false;  ///< each node counts as an address group
  std::string store = "/store";
  std::string files = "/files";
  std::string registry = "/registry/list";
  std::string reputation = "/reputation";
  observe::Health* health = nullptr;  ///< outlives the actors; null: no reports
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();

  base::NodeId self() const { return identity->id(); }
  /// Returns the name of its sandboxes' cgroups.
  std::string group() const { return "troupe-" + self().hex().substr(0, 8); }
  /// Return what this node gives to tasks.
  sandbox::Cores slots_of(const ports::Hardware::Has& has) const {
    constexpr std::uint32_t kCore = 1'000;
    return slots.value_or(sandbox::Cores{static_cast<std::uint32_t>(has.cores) * kCore});
  }
  std::uint64_t memory_of(const ports::Hardware::Has& has) const {
    return memory_bytes > 0 ? memory_bytes : has.memory_bytes / 4 * 3;
  }
  /// Returns the limit on processes and threads of all running tasks of other nodes: an eighth of the machine's. Each
  /// may have one full message of descriptors in flight. If these count against this process, they get half of its
  /// limit.
  static std::uint32_t pids_of_others(const ports::Hardware::Has& has) {
    constexpr std::uint64_t kUsual = 32'768, kPart = 8, kMost = 1u << 20;
    constexpr std::uint64_t kOfMessage = 253;  // the limit of Linux for one message
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
