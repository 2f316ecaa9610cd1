// The figures of `troupe bench dht`.
#include "apps/bench/dht_cluster.hpp"
#include "apps/bench/dht_load.hpp"
#include "apps/bench/figures.hpp"
#include "runtime/os/process_usage.hpp"

namespace troupe::bench {
namespace {

double milliseconds(base::Duration span) { return std::chrono::duration<double, std::milli>(span).count(); }

/// Measures one load, with the resources that the process and all nodes spent on it.
Measurement<Figure> load(Runner& runner, const DhtCluster& cluster, const std::shared_ptr<DhtShelf>& shelf,
                         const std::string& what, std::size_t clients, const DhtLoad::Plan& plan) {
  const auto before = cluster.count(runner);
  if (!before.ok()) return before.error();
  const base::Duration cpu_before = os::process_usage().cpu;
  auto out = runner.measure<DhtLoad>("dht-load", plan.span, {.what = what, .clients = clients}, shelf, plan);
  if (!out.ok()) return out;
  const base::Duration cpu_after = os::process_usage().cpu;
  const auto after = cluster.count(runner);
  if (!after.ok()) return after.error();
  Figure& figure = out.value();
  figure.mib_per_second = figure.per_second.value_or(0) * kDhtValueBytes / (1 << 20);
  if (const auto operations = static_cast<double>(shelf->operations); operations > 0) {
    figure.requests_each = static_cast<double>(after.value().requests - before.value().requests) / operations;
    figure.cpu_ms_each = milliseconds(cpu_after - cpu_before) / operations;
  }
  return out;
}

}  // namespace

Measurement<Figures> measure_dht(Runner& runner, const DhtPlan& plan) {
  using What = DhtLoad::What;
  const std::uint64_t resident_before = resident_bytes();
  const auto cluster = DhtCluster::start(runner, plan.nodes, plan.copies);
  if (!cluster.ok()) return cluster.error();
  Figures out{{.what = "dht.node",
               .clients = plan.nodes,
               .resident_bytes = growth(resident_before, resident_bytes(), plan.nodes)}};
  const auto shelf = std::make_shared<DhtShelf>(cluster.value()->members());
  struct One {
    const char* what;
    std::size_t clients;
    DhtLoad::Plan plan;
  };
  for (const One& one : {One{"dht.put", plan.in_flight, {What::put, plan.in_flight, plan.span}},
                         One{"dht.put.signed", plan.in_flight, {What::put_signed, plan.in_flight, plan.span}},
                         One{"dht.get", plan.in_flight, {What::get, plan.in_flight, plan.span}},
                         One{"dht.put", 1, {What::put, 1, plan.span}}, One{"dht.get", 1, {What::get, 1, plan.span}}}) {
    auto figure = load(runner, *cluster.value(), shelf, one.what, one.clients, one.plan);
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
  }
  return out;
}

}  // namespace troupe::bench
