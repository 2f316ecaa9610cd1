#include "apps/host/domains.hpp"

#include <algorithm>

#include "apps/host/api_settings.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/config/known.hpp"
#include "runtime/observe/log_domain.hpp"

namespace troupe::apps {

config::Table settings_table(const DomainSpecs& specs) {
  std::vector<std::span<const config::Setting>> parts{config::kRuntimeSettings, api::kSettings};
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
