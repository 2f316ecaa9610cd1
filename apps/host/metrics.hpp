#pragma once
// Serves `troupe node --metrics HOST:PORT`: /metrics for Prometheus, /healthz and /readyz for a supervisor.
//
// Reads    counters and snapshots that are safe from any thread, never an actor: a node with stuck actors still
//          reports.
// To add   a metric of a domain, add a row to its counter table; for a metric of the runtime, add a family to a
//          function of kFamilies in metrics.cpp. A test checks that alert rules and dashboard in tools/metrics use only
//          existing metrics.
#include <atomic>
#include <string>
#include <vector>

#include "actors/node/api.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/logic/exposition.hpp"
#include "runtime/os/http_answer.hpp"
#include "runtime/os/process_usage.hpp"

namespace troupe::apps {

/// The stage of a node's life.
enum class Stage : std::uint8_t {
  starting,
  serving,  ///< all domains serve
  draining,
};

/// The sources of the pages. They must outlive the server of the pages.
struct MetricsSources {
  const runtime::Node& node;
  net::Pool& pool;
  const observe::Health& health;
  std::vector<std::string_view> health_sources;  ///< shown even if they have no reason
  const observe::Log& log;
  const std::atomic<Stage>& stage;
  const std::vector<node::Domain>& domains;
  std::string name;       ///< name of the node, for people
  base::Instant started;  ///< by the clock of the node
};

using Families = std::vector<observe::Family>;

/// Returns the current counters of these domains.
Families domain_families(const std::vector<node::Domain>& domains);

/// Returns all current metrics.
Families metric_families(const MetricsSources& from);

/// Returns /readyz: 200 while all domains serve and the health is not failing, otherwise 503. One line each: `ok` or
/// the stage, and the health reasons.
os::HttpPage ready_page(Stage stage, const std::vector<observe::HealthReason>& reasons);

/// Returns /metrics, /healthz and /readyz.
os::HttpPageMap metrics_pages(const MetricsSources& from);

}  // namespace troupe::apps
