// The inspector as a domain of a node.
#include "actors/inspect/inspect_actor.hpp"
#include "actors/node/api.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::inspect {
namespace {

using namespace std::chrono_literals;

constexpr auto kPeriod = config::duration("inspect.period", "2s", 100ms, 10s, config::When::start,
                                          "time between two health scans of all actors");
constexpr auto kSettings = std::to_array<config::Setting>({kPeriod});

std::span<const std::string_view> warnings() {
  static const auto kNames = [] {
    std::array<std::string_view, kWarnings> out;
    for (std::size_t i = 0; i < kWarnings; ++i) out[i] = name(static_cast<Warning>(i));
    return out;
  }();
  return kNames;
}

observe::CounterTable counters(const Totals& latest) {
  using observe::MetricType;
  return {{.metric = "troupe_mailbox_messages",
           .help = "Messages waiting in the mailboxes of all actors, at the last survey.",
           .type = MetricType::gauge,
           .value = latest.waiting},
          {.metric = "troupe_mailbox_oldest_seconds",
           .help = "Minimum time that the oldest of them has waited.",
           .type = MetricType::gauge,
           .value =
               static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(latest.oldest).count()),
           .unit = observe::CounterUnit::microseconds}};
}

node::Domain make(const node::DomainParts& parts) {
  const auto totals = std::make_shared<LatestTotals>();
  InspectActor::Setup setup;
  setup.node = parts.links->self();
  setup.period = parts.settings.get(kPeriod);
  setup.health = parts.health;
  setup.process_usage = parts.process_usage;
  setup.surveyed = [totals](const Totals& latest) { totals->set(latest); };
  return {.name = "inspect",
          .factory = [setup] { return std::make_unique<InspectActor>(setup); },
          .options = {.kind = InspectActor::kName, .placement = ports::Placement::own_thread},
          .counters = [totals] { return counters(totals->get()); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "inspect", .settings = kSettings, .health = warnings(), .make = make};
  return spec;
}

}  // namespace troupe::inspect
