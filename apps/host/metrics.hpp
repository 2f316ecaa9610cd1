#pragma once
// Serves `troupe node --metrics HOST:PORT`: /metrics for Prometheus, /healthz and /readyz for a supervisor.
//
// Reads    counters and snapshots that are safe from any thread, never an actor: a node whose actors are stuck says so.
// To add   a figure of a domain: a row of its counter table; of the runtime: a family in one of the functions of
//          kFamilies in metrics.cpp. Then the alert rules and the dashboard in tools/metrics may use it, which a test
//          compares.
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

/// Where a node is in its life.
enum class Stage : std::uint8_t {
  starting,
  serving,  ///< all domains serve
  draining,
};

/// What is read for the pages. All of it outlives whatever serves them.
struct MetricsSources {
  const runtime::Node& node;
  net::Pool& pool;
  const observe::Health& health;
  std::vector<std::string_view> health_sources;  ///< shown also while they have no reason
  const observe::Log& log;
  const std::atomic<Stage>& stage;
  const std::vector<node::Domain>& domains;
  std::string name;       ///< of the node, for people
  base::Instant started;  ///< by the clock of the node's world
};

using Families = std::vector<observe::Family>;

/// What these domains count, at this moment.
Families domain_families(const std::vector<node::Domain>& domains);

/// All figures, at this moment.
Families metric_families(const MetricsSources& from);

/// /readyz: 200 while all domains serve and the health is not failing, else 503. One line each: `ok` or the stage, and
/// the reasons of the health.
os::HttpPage ready_page(Stage stage, const std::vector<observe::HealthReason>& reasons);

/// /metrics, /healthz and /readyz.
os::HttpPageMap metrics_pages(const MetricsSources& from);

}  // namespace troupe::apps
