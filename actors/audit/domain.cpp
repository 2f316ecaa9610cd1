// The audit trail, as a domain of a node.
#include "actors/audit/audit_actor.hpp"
#include "actors/audit/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::audit {
namespace {

using config::When;

constexpr auto kBytesMax = config::bytes("audit.bytes_max", "1 GiB", 32 * config::kMiB, config::kTiB, When::start,
                                         "size of the audit trail, above which its oldest files are removed");
constexpr auto kSettings = std::to_array<config::Setting>({kBytesMax});
constexpr std::string_view kHealthSources[] = {kHealthSource, kRowsHealthSource};

node::Domain make(const node::DomainParts& parts) {
  AuditSettings settings;
  settings.limits.bytes_max = parts.settings.get(kBytesMax).value;
  settings.health = parts.health;
  settings.log = parts.domain_log;
  return {.name = "audit",
          .factory = [settings] { return std::make_unique<AuditActor>(settings); },
          .options = {.kind = AuditActor::kName, .placement = ports::Placement::own_thread}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "audit",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::audit
