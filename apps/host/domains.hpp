#pragma once
// The domains of a node, and what is derived from their specs. To add a domain: apps/manual/new-domain.md.
//
// Functions that walk the list take it as a parameter, so that a test can pass its own list.
#include <string_view>
#include <vector>

#include "actors/node/api.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::apps {

using DomainSpecs = std::vector<const node::DomainSpec*>;

/// Returns the domains of `troupe node`, in the order in which they start.
const DomainSpecs& domains();

/// These return the top-level actors of the runtime as specs; runtime/config/known.hpp has their settings.
const node::DomainSpec& store_domain();
const node::DomainSpec& links_domain();
const node::DomainSpec& datagrams_domain();

/// The health source that reports that the node's directory is no longer where the node opened it.
inline constexpr std::string_view kDirectoryHealth = "store.directory";

/// Returns the settings of the runtime and of these domains. A key in two domains is a broken invariant.
config::Table settings_table(const DomainSpecs& specs = domains());

/// Returns the names under which these domains log.
std::vector<std::string_view> domain_logs(const DomainSpecs& specs = domains());

/// Returns every name that can have a log level: the names of the domains and observe::kRuntimeLogs, sorted.
std::vector<std::string_view> log_names(const DomainSpecs& specs = domains());

/// Returns the sources under which these domains and the runtime report health.
std::vector<std::string_view> health_sources(const DomainSpecs& specs = domains());

}  // namespace troupe::apps
