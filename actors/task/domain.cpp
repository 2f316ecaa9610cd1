// Tasks, as a domain of a node.
#include <charconv>
#include <set>

#include "actors/node/api.hpp"
#include "actors/task/logic/network.hpp"
#include "actors/task/sim.hpp"
#include "actors/task/worker_actor.hpp"

namespace troupe::task {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr std::string_view kAll = "all";

/// Parses task.slots; nullopt for "all".
std::optional<sandbox::Cores> slots_typed(const std::string& text) {
  if (text == "0") return sandbox::Cores{0};
  return sandbox::parse_cores(text);
}
std::optional<std::string> slots_fault(const std::string& text) {
  if (text == kAll || slots_typed(text)) return std::nullopt;
  return "a number of cores such as 2 or 0.5; all: the machine's cores; 0: this node takes no tasks";
}
constexpr auto kSlots =
    config::text("task.slots", "all", 16, When::start,
                 "cores that tasks may use together; all: the machine's cores; 0: takes no tasks", slots_fault);
constexpr auto kMemory = config::bytes("task.memory", "0 B", 0, 1'024 * config::kTiB, When::start,
                                       "memory that tasks may use together; 0: three quarters of the machine's");
constexpr auto kLease = config::duration("task.lease", "10s", 1s, 1h, When::start,
                                         "silence after which an attempt is lost, and another attempt begins");
constexpr auto kQueueMax = config::duration("task.queue_max", "1h", 1s, 24h * 365, When::start,
                                            "time in which a node must begin a task before the task expires");
constexpr auto kInputs = config::bytes("task.inputs_bytes", "8 GiB", config::kMiB, 1'024 * config::kTiB, When::start,
                                       "space for programs, inputs and roots of tasks");
constexpr auto kKept = config::bytes("task.kept_bytes", "4 GiB", config::kMiB, 1'024 * config::kTiB, When::start,
                                     "space for the output of tasks submitted here");
constexpr auto kTasksMax = config::count("task.tasks_max", "10000", 16, 1'000'000, When::start,
                                         "tasks submitted here that are kept; the oldest ended tasks are evicted");
constexpr auto kHostUsr =
    config::flag("task.host_usr", "false", When::start, "whether tasks see /usr of this machine, read-only");
constexpr auto kNetwork =
    config::texts("task.network", kPatternsMax, When::start,
                  "hosts that tasks may connect to through this node: NAME, *.NAME, * or ADDRESS, "
                  "with :PORT or without; none: no network access",
                  pattern_fault);
std::optional<std::string> accept_fault(const std::string& text) {
  if (accept_typed(text)) return std::nullopt;
  return "listed: tasks of the nodes in task.signers; any: tasks of any node";
}
constexpr auto kAccept =
    config::text("task.accept", "listed", 16, When::start,
                 "whose tasks are taken, except this node's; listed: the nodes in task.signers; any: "
                 "all nodes, whose programs share the kernel of this machine",
                 accept_fault);
constexpr auto kHours = config::texts("task.hours", kHoursMax, When::start,
                                      "hours of the day, in UTC, in which tasks of other nodes are taken, such as "
                                      "22:00-06:00; none: all hours",
                                      hours_fault);
constexpr auto kSigners =
    config::texts("task.signers", kListedMax, When::start,
                  "ids of the nodes whose tasks are taken if task.accept is listed", signer_fault);
constexpr auto kDeny = config::texts("task.deny", kListedMax, When::start,
                                     "ids of nodes whose tasks are refused, and of programs, roots and inputs that no "
                                     "task of another node may have",
                                     denied_fault);
constexpr auto kTimeMax =
    config::duration("task.time_max", "24h", 1s, 24h * 365, When::start, "longest time limit of another node's task");
constexpr auto kTripwires =
    config::flag("task.tripwires", "true", When::start,
                 "whether a forbidden system call ends its task, instead of only being refused");
constexpr auto kMaliceRefused =
    config::duration("task.malice_refused", "720h", 0s, 24h * 3'650, When::start,
                     "how long a node is refused after its task made a forbidden system call; 0: not at all");
constexpr auto kTrust = config::flag("task.trust", "true", When::start,
                                     "whether one result of a node with many right results is enough, if the quorum is "
                                     "less than all replicas");
/// Parses a share that leaves most workers honest.
std::optional<double> share_typed(const std::string& text) {
  double out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  if (failed != std::errc() || end != text.data() + text.size() || !(out >= 0 && out < 0.5)) return std::nullopt;
  return out;
}
std::optional<std::string> share_fault(const std::string& text) {
  if (share_typed(text)) return std::nullopt;
  return "a share such as 0.1, at least 0 and below 0.5";
}
constexpr auto kRequireVerified =
    config::flag("task.require_verified", "true", When::start,
                 "whether other nodes get tasks only if they passed a check within the last 24 hours");
constexpr auto kChecks = config::count("task.checks_per_hour", "60", 1, 10'000, When::start,
                                       "checks of other nodes that this node begins per hour, 0.1 s of a core each");
constexpr auto kCheckRounds =
    config::count("task.check_rounds", "8388608", 64, kSpotRounds, When::start,
                  "rounds of hashing in each check that this node begins; fewer rounds find fewer lying nodes");
constexpr auto kDishonest =
    config::text("task.dishonest", "0.1", 16, When::start,
                 "assumed share of colluding workers, for tasks submitted with --risk", share_fault);
constexpr auto kPayMargin =
    config::duration("task.pay_margin", "1h", 2 * Earnings::kDueMargin, 24h * 30, When::start,
                     "time after its program's time limit in which a paid attempt's result may be submitted");
constexpr auto kSettings = std::to_array<config::Setting>(
    {kSlots,   kMemory,    kLease,     kQueueMax,        kInputs, kKept,       kTasksMax,  kHostUsr,
     kNetwork, kHours,     kAccept,    kSigners,         kDeny,   kTimeMax,    kTripwires, kMaliceRefused,
     kTrust,   kDishonest, kPayMargin, kRequireVerified, kChecks, kCheckRounds});

constexpr std::string_view kHealthSources[] = {kTaskRows, kTextRows, kMaliceRows, kWarningRows, kSandboxSource};

node::Domain make(const node::DomainParts& parts) {
  const auto& settings = parts.settings;
  TaskSettings out;
  out.identity = parts.identity;
  out.work_bits = parts.work_bits;
  out.links = parts.links;
  out.slots = slots_typed(settings.get(kSlots));
  out.memory_bytes = settings.get(kMemory).value;
  out.lease = settings.get(kLease);
  out.queue_max = settings.get(kQueueMax);
  out.inputs_bytes = settings.get(kInputs).value;
  out.kept_bytes = settings.get(kKept).value;
  out.tasks_max = static_cast<std::uint32_t>(settings.get(kTasksMax));
  out.require_verified = settings.get(kRequireVerified);
  out.check_rounds = settings.get(kCheckRounds);
  out.checks_per_hour = static_cast<std::uint32_t>(settings.get(kChecks));
  // Sorted, as in all lists of the registry: an operator may give them in any order.
  const std::set<std::string> patterns(settings.get(kNetwork).begin(), settings.get(kNetwork).end());
  out.network.assign(patterns.begin(), patterns.end());
  out.provider = Provider(accept_typed(settings.get(kAccept)).value_or(Accept::listed), settings.get(kHours),
                          settings.get(kSigners), settings.get(kDeny), settings.get(kTimeMax));
  out.endpoint = parts.own_endpoint();
  out.linked_at = [links = parts.links](const base::NodeId& node) {
    const auto link = links->find(node);
    return link ? std::optional(link->contact.endpoint) : std::nullopt;
  };
  out.host_usr = settings.get(kHostUsr);
  out.tripwires = settings.get(kTripwires);
  out.malice_refused = settings.get(kMaliceRefused);
  out.trust = settings.get(kTrust);
  out.dishonest = share_typed(settings.get(kDishonest)).value_or(out.dishonest);
  out.pay_margin = settings.get(kPayMargin);
  out.each_node_alone = parts.each_node_alone;
  out.health = parts.health;
  out.log = parts.domain_log;
  return {.name = "task",
          .factory = [out] { return std::make_unique<WorkerActor>(out); },
          .options = {.kind = WorkerActor::kName},
          .counters = [counters = out.counters] { return table_of(*counters); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "task",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::task
