#include "apps/host/domains.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/config/known.hpp"
#include "runtime/observe/log_domain.hpp"

// Each is defined in actors/NAME/domain.cpp.
namespace troupe::node {
const DomainSpec& domain();
}
namespace troupe::inspect {
const node::DomainSpec& domain();
}
namespace troupe::peers {
const node::DomainSpec& domain();
}
namespace troupe::dht {
const node::DomainSpec& domain();
}
namespace troupe::files {
const node::DomainSpec& domain();
}
namespace troupe::raft {
const node::DomainSpec& domain();
}
namespace troupe::catalogue {
const node::DomainSpec& domain();
}
namespace troupe::registry {
const node::DomainSpec& domain();
}
namespace troupe::reputation {
const node::DomainSpec& domain();
}
namespace troupe::task {
const node::DomainSpec& domain();
}
namespace troupe::wallet {
const node::DomainSpec& domain();
}
namespace troupe::escrow {
const node::DomainSpec& domain();
}
namespace troupe::fund {
const node::DomainSpec& domain();
}
namespace troupe::airdrop {
const node::DomainSpec& domain();
}
namespace troupe::chain {
const node::DomainSpec& domain();
// Beside the chain, and parts of its domain.
const node::DomainSpec& validator();
const node::DomainSpec& book();
}  // namespace troupe::chain

namespace troupe::apps {

const DomainSpecs& domains() {
  // A rule of tools/check compares the names with `domains` in the top meson.build.
  static const DomainSpecs all{&node::domain(),     &inspect::domain(),   &store_domain(),     &links_domain(),
                               &datagrams_domain(), &peers::domain(),     &dht::domain(),      &files::domain(),
                               &raft::domain(),     &catalogue::domain(), &registry::domain(), &reputation::domain(),
                               &task::domain(),     &chain::book(),       &wallet::domain(),   &escrow::domain(),
                               &fund::domain(),     &airdrop::domain(),   &chain::validator(), &chain::domain()};
  return all;
}

config::Table settings_table(const DomainSpecs& specs) {
  std::vector<std::span<const config::Setting>> parts{config::kRuntimeSettings};
  for (const auto* spec : specs) parts.push_back(spec->settings);
  config::Table table(std::move(parts));
  table.limit_names(config::kLogLevels.key, log_names(specs));
  return table;
}

std::vector<std::string_view> domain_logs(const DomainSpecs& specs) {
  std::vector<std::string_view> out;
  for (const auto* spec : specs)
    if (spec->logs) out.push_back(spec->name);
  return out;
}

std::vector<std::string_view> log_names(const DomainSpecs& specs) {
  std::vector<std::string_view> out = domain_logs(specs);
  out.insert(out.end(), observe::kRuntimeLogs.begin(), observe::kRuntimeLogs.end());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string_view> health_sources(const DomainSpecs& specs) {
  std::vector<std::string_view> out;
  for (const auto* spec : specs) out.insert(out.end(), spec->health.begin(), spec->health.end());
  std::sort(out.begin(), out.end());
  base::ensure(std::adjacent_find(out.begin(), out.end()) == out.end(), "each source of health belongs to one domain");
  return out;
}

}  // namespace troupe::apps
