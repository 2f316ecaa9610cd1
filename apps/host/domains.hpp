#pragma once
// The domains of a node, and what follows from their specs. To add a domain: apps/manual/new-domain.md.
//
// All that walks the list takes it as a parameter, so that a test can pass one with a domain of its own.
#include <string_view>
#include <vector>

#include "actors/node/api.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::apps {

using DomainSpecs = std::vector<const node::DomainSpec*>;

/// Those of `troupe node`, in the order in which they start.
const DomainSpecs& domains();

/// The actors of the runtime that stand at the top of a node, as specs; their settings are in runtime/config/known.hpp.
const node::DomainSpec& store_domain();
const node::DomainSpec& links_domain();
const node::DomainSpec& datagrams_domain();

/// The source of the reason of health while the node's directory is no longer where the node opened it.
inline constexpr std::string_view kDirectoryHealth = "store.directory";

/// The settings of the runtime and of these domains. Two domains with one key are a broken invariant.
config::Table settings_table(const DomainSpecs& specs = domains());

/// The names under which these domains log.
std::vector<std::string_view> domain_logs(const DomainSpecs& specs = domains());

/// Every name that a log level can be set for: those of the domains and observe::kRuntimeLogs, sorted.
std::vector<std::string_view> log_names(const DomainSpecs& specs = domains());

/// Sources under which these domains and the runtime raise reasons of health.
std::vector<std::string_view> health_sources(const DomainSpecs& specs = domains());

}  // namespace troupe::apps
