// The domain `raft` of a node: groups that agree on a log.
#include <charconv>

#include "actors/node/api.hpp"
#include "actors/raft/raft_actor.hpp"
#include "actors/raft/sim.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::raft {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr double kDriftMax = 0.3;  // beyond this no lease time would be left

/// Returns thousandths, or nullopt if `text` is not a decimal from 0 to kDriftMax.
std::optional<std::uint32_t> thousandths(const std::string& text) {
  double share = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), share);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(share >= 0 && share <= kDriftMax))
    return std::nullopt;
  return static_cast<std::uint32_t>(share * 1'000 + 0.5);
}
std::optional<std::string> check_share(const std::string& text) {
  if (thousandths(text)) return std::nullopt;
  return "a decimal from 0 to 0.3, such as 0.05";
}

constexpr auto kElection = config::duration("raft.election", "150ms", 20ms, 60s, When::start,
                                            "time without a leader after which a member campaigns, up to twice that");
constexpr auto kHeartbeat =
    config::duration("raft.heartbeat", "50ms", 5ms, 20s, When::start,
                     "time between two heartbeats of a leader; at most a third of raft.election");
constexpr auto kDrift =
    config::text("raft.clock_drift_max", "0.05", 8, When::start,
                 "fraction by which the members' clocks may differ in speed, at most 0.3", check_share);
constexpr auto kSleepAfter = config::duration("raft.sleep_after", "10s", 100ms, 24h * 365, When::start,
                                              "time after which an unused group almost stops sending heartbeats");
constexpr auto kLeaseReads =
    config::flag("raft.lease_reads", "false", When::start, "let leaders answer reads without asking a quorum");
constexpr auto kStall = config::duration("raft.stall_max", "1s", 100ms, 600s, When::start,
                                         "time after which a leader whose disk does not respond hands over leadership");
constexpr auto kSnapshotEntries = config::count("raft.snapshot_after", "100000", 16, 1u << 30, When::start,
                                                "entries since the last snapshot after which the next is taken");
constexpr auto kSnapshotBytes = config::bytes("raft.snapshot_after_bytes", "64 MiB", 4'096, config::kTiB, When::start,
                                              "bytes of entries since the last snapshot after which the next is taken");
constexpr auto kUncommitted = config::bytes("raft.uncommitted_max", "64 MiB", config::kMiB * 4, config::kTiB,
                                            When::start, "bytes of commands that may wait for a quorum");
constexpr auto kInFlight = config::bytes("raft.in_flight_max", "8 MiB", config::kMiB, 1'024 * config::kMiB, When::start,
                                         "bytes sent to a follower and not yet acknowledged");
constexpr auto kGroups = config::count("raft.groups_max", "1024", 1, 8'192, When::start,
                                       "largest number of groups of this node, including groups being created");
constexpr auto kInvites = config::texts(
    "raft.invites", 64, When::start,
    "ids of nodes that may add this node to a group and whose information about groups is trusted, or `any`",
    config::check_node_or_any);
constexpr auto kClients = config::texts("raft.clients", 64, When::start,
                                        "ids of nodes, in addition to members, whose commands are accepted over a link",
                                        config::check_node_or_any);
constexpr auto kSessionsKept = config::duration("raft.sessions_kept", "1h", 1s, 24h * 365, When::start,
                                                "time for which the response to a request id is kept");
constexpr auto kSessionsMax =
    config::count("raft.sessions_max", "1000000", 16, 1u << 26, When::start,
                  "number of request ids whose responses are kept; beyond it new ids are refused");
constexpr auto kRevisionsKept =
    config::duration("kv.revisions_kept", "1h", 1s, 24h * 365, When::start,
                     "age up to which past revisions of keys can be read, unless their disk space is full");
constexpr auto kRevisionBytes =
    config::bytes("kv.revision_bytes", "8 MiB", 65'536, config::kTiB, When::start,
                  "memory for past revisions of one group's keys; older revisions are on disk");
constexpr auto kHistoryBytes = config::bytes("kv.history_bytes", "1 GiB", 0, config::kTiB, When::start,
                                             "disk space for past revisions of one group; 0: they stay in memory");
constexpr auto kRowsMax = config::bytes("kv.rows_max", "0", 0, config::kTiB, When::start,
                                        "memory for the keys of one group, above which an account ledger in it refuses "
                                        "other nodes' writes; 0: a quarter of the machine's memory, at most 4 GiB");
constexpr auto kSettings =
    std::to_array<config::Setting>({kRevisionsKept, kRevisionBytes, kHistoryBytes, kRowsMax, kElection, kHeartbeat,
                                    kDrift, kSleepAfter, kLeaseReads, kStall, kSnapshotEntries, kSnapshotBytes,
                                    kUncommitted, kInFlight, kGroups, kInvites, kClients, kSessionsKept, kSessionsMax});

constexpr std::string_view kHealthSources[] = {"raft.groups", "raft.history", "raft.log"};

node::Domain make(const node::DomainParts& parts) {
  auto settings = std::make_shared<RaftSettings>();
  settings->self = parts.links->self();
  settings->links = parts.links;
  settings->endpoint = parts.own_endpoint();
  Settings& core = settings->core;
  core.election = parts.settings.get(kElection);
  core.heartbeat = std::min<base::Duration>(parts.settings.get(kHeartbeat), core.election / 3);
  core.clock_drift_max = thousandths(parts.settings.get(kDrift)).value_or(core.clock_drift_max);
  core.sleep_after = parts.settings.get(kSleepAfter);
  core.lease_reads = parts.settings.get(kLeaseReads);
  core.stall_max = parts.settings.get(kStall);
  core.uncommitted_bytes_max = parts.settings.get(kUncommitted).value;
  core.in_flight_bytes_max = parts.settings.get(kInFlight).value;
  settings->snapshot_after_entries = parts.settings.get(kSnapshotEntries);
  settings->snapshot_after_bytes = parts.settings.get(kSnapshotBytes).value;
  settings->groups_max = parts.settings.get(kGroups);
  settings->sessions_kept_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(parts.settings.get(kSessionsKept)).count());
  settings->revisions_kept = parts.settings.get(kRevisionsKept);
  settings->revision_bytes_max = parts.settings.get(kRevisionBytes).value;
  settings->history_bytes_max = parts.settings.get(kHistoryBytes).value;
  settings->sessions_max = parts.settings.get(kSessionsMax);
  settings->rows_max = parts.settings.get(kRowsMax).value;
  for (const auto& text : parts.settings.get(kInvites)) {
    if (text == "any") settings->invited_by_all = true;
    else if (const auto id = base::NodeId::from_hex(text)) settings->invites.push_back(*id);
  }
  for (const auto& text : parts.settings.get(kClients)) {
    if (text == "any") settings->serves_all = true;
    else if (const auto id = base::NodeId::from_hex(text)) settings->clients.push_back(*id);
  }
  // A node that this node is to join by its id may add it to groups.
  for (const auto& text : std::get<config::Texts>(parts.settings.value("join")))
    if (const auto target = config::PeerAddress::parse(text); target && target->pinned)
      settings->invites.push_back(*target->pinned);
  settings->health = parts.health;
  settings->log = parts.domain_log;
  return {.name = "raft",
          .factory = [settings] { return std::make_unique<RaftActor>(settings); },
          .options = {.kind = RaftActor::kName},
          .counters = [counters = settings->counters] { return table_of(*counters); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "raft",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::raft
