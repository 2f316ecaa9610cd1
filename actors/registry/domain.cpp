// The registry of nodes, as a domain of a node.
#include "actors/node/api.hpp"
#include "actors/registry/registry_actor.hpp"
#include "actors/registry/sim.hpp"
#include "runtime/observe/version.hpp"

namespace troupe::registry {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kActive = config::flag("registry.active", "true", When::start,
                                      "whether this node is in the registry, and watches other nodes for it");
constexpr auto kHeartbeat =
    config::duration("registry.heartbeat", "60s", 1s, 1h, When::start,
                     "time between two heartbeats of a node; the same on all nodes that watch each other");
std::optional<std::string> owner_fault(const std::string& text) {
  if (text.empty() || Owner::from_hex(text)) return std::nullopt;
  return "64 hexadecimal digits, the same on all nodes of an owner";
}
constexpr auto kOwner = config::text("registry.owner", "", 64, When::start,
                                     "owner of this node, 64 hexadecimal digits; empty: the node's key", owner_fault);
constexpr auto kLoadMax =
    config::count("registry.load_max", "4000", 1, 1'000'000, When::reload,
                  "load above which a node is unhealthy: runnable threads per core, in thousandths");
constexpr auto kMemoryMax = config::count("registry.memory_max", "950", 1, 1'000, When::reload,
                                          "used memory above which a node is unhealthy, in thousandths");
constexpr auto kSuccessMin =
    config::count("registry.success_min", "500", 0, 1'000, When::reload,
                  "share of successful tasks below which a node is unhealthy, in thousandths; 0: no check");
constexpr auto kWatchedMax = config::count("registry.watched_max", "20000", 16, 1'000'000, When::start,
                                           "largest number of nodes that this node watches");
constexpr auto kBeats = config::count("registry.beats_per_second", "1024", 16, 1'000'000, When::start,
                                      "heartbeats of other nodes verified per second");
constexpr auto kSettings = std::to_array<config::Setting>(
    {kActive, kHeartbeat, kOwner, kLoadMax, kMemoryMax, kSuccessMin, kWatchedMax, kBeats});

constexpr std::string_view kHealthSources[] = {kRows, kHistoryRows};

Thresholds thresholds_of(const config::Settings& settings) {
  return {.load = static_cast<std::uint32_t>(settings.get(kLoadMax)),
          .memory = static_cast<std::uint16_t>(settings.get(kMemoryMax)),
          .success = static_cast<std::uint16_t>(settings.get(kSuccessMin))};
}

RegistrySettings read(const node::DomainParts& parts) {
  const auto& settings = parts.settings;
  RegistrySettings out;
  out.identity = parts.identity;
  out.work_bits = parts.work_bits;
  out.active = settings.get(kActive);
  out.watched = {.period = settings.get(kHeartbeat),
                 .nodes_max = settings.get(kWatchedMax),
                 .thresholds = thresholds_of(settings)};
  out.thresholds->set(out.watched.thresholds);
  out.beats_per_second = static_cast<std::uint32_t>(settings.get(kBeats));
  out.owner = Owner::from_hex(settings.get(kOwner));
  out.version = observe::version();
  if (parts.each_node_alone) out.groups = Judges::Groups::are_strangers;
  out.health = parts.health;
  out.log = parts.domain_log;
  return out;
}

node::Domain make(const node::DomainParts& parts) {
  const RegistrySettings settings = read(parts);
  return {.name = "registry",
          .factory = [settings] { return std::make_unique<RegistryActor>(settings); },
          .options = {.kind = RegistryActor::kName},
          .counters = [counters = settings.counters] { return table_of(*counters); },
          .reloaded =
              [shared = settings.thresholds](const config::Settings& changed) { shared->set(thresholds_of(changed)); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "registry",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::registry
