#pragma once
// Valid scenarios of all kinds, of the domains of test_workloads.hpp; for use within a property of rapidcheck.
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/sim/clock.hpp"
#include "tests/apps/sim/test_workloads.hpp"

namespace troupe::apps {

inline base::Duration any_span(base::Duration max) {
  const auto unit = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, 100'000'000, 1'000'000'000, 3'600'000'000'000);
  return base::Duration(*rc::gen::inRange<std::int64_t>(0, max.count() / unit + 1) * unit);
}

inline sim::Fault any_fault(const sim::Scenario& scenario) {
  std::vector<const sim::FaultSpec*> specs;
  for (const sim::FaultSpec& spec : sim::fault_specs())
    if ((scenario.beyond || !spec.beyond) && (scenario.nodes > 1 || !spec.on_other)) specs.push_back(&spec);
  const sim::FaultSpec& spec = **rc::gen::elementOf(specs);
  sim::Fault fault{.what = spec.what, .at = any_span(scenario.time)};
  fault.by_hand = *rc::gen::arbitrary<bool>();
  if (spec.lasts) fault.span = any_span(sim::kWorldTimeMax);
  if (spec.on_node) fault.node = *rc::gen::inRange<std::uint16_t>(0, scenario.nodes);
  if (spec.on_other) {
    fault.other = *rc::gen::inRange<std::uint16_t>(0, static_cast<std::uint16_t>(scenario.nodes - 1));
    if (fault.other >= fault.node) ++fault.other;
  }
  const auto bits = std::min(scenario.nodes, sim::kSetNodesMax);
  if (spec.amount == sim::Amount::set) fault.amount = *rc::gen::inRange<std::int64_t>(1, std::int64_t{1} << bits);
  if (spec.amount == sim::Amount::number)
    fault.amount = *rc::gen::inRange<std::int64_t>(amount_min(spec), spec.amount_max + 1);
  return fault;
}

inline sim::Operation any_operation(const sim::Scenario& scenario) {
  const std::string domain = *rc::gen::elementOf(scenario.domains);
  const auto& operations = (domain == "shop" ? kShopWorkload : kMailWorkload).operations;
  const sim::OperationSpec& spec = operations[*rc::gen::inRange<std::size_t>(0, operations.size())];
  sim::Operation operation;
  operation.at = any_span(scenario.time);
  operation.node = *rc::gen::inRange<std::uint16_t>(0, scenario.nodes);
  operation.what = domain + '.' + std::string(spec.name);
  for (const sim::NumberSpec& one : spec.with)
    operation.with[std::string(one.name)] =
        *rc::gen::inRange<std::int64_t>(one.min, (one.node ? scenario.nodes : one.max + 1));
  return operation;
}

inline sim::Scenario any_scenario() {
  sim::Scenario out;
  out.seed = *rc::gen::arbitrary<std::uint64_t>() << *rc::gen::element(0, 60);
  out.domains = *rc::gen::element(std::vector<std::string>{"shop"}, std::vector<std::string>{"mail", "shop"});
  out.nodes = *rc::gen::element<std::uint16_t>(1, 2, 5, 61, 62, 63, sim::kNodesMax);
  out.time = any_span(*rc::gen::element<base::Duration>(std::chrono::seconds(60), sim::kWorldTimeMax));
  out.converge = any_span(sim::kWorldTimeMax);
  out.policy = *rc::gen::element(sim::Policy::fifo, sim::Policy::random, sim::Policy::pct, sim::Policy::starve);
  out.latency_max = any_span(kLatencyMax);
  out.latency_min = any_span(out.latency_max);
  out.tls = *rc::gen::arbitrary<bool>();
  out.beyond = *rc::gen::arbitrary<bool>();
  const auto drifts = *rc::gen::inRange<std::size_t>(0, std::size_t{std::min<std::uint16_t>(out.nodes, 9)} + 1);
  for (std::size_t i = 0; i < drifts; ++i)
    out.drift_ppm.push_back(*rc::gen::inRange<std::int32_t>(-sim::kDriftPpmMax, sim::kDriftPpmMax + 1));
  if (*rc::gen::arbitrary<bool>()) out.knobs["net.links_max"] = "7";
  if (*rc::gen::arbitrary<bool>()) out.knobs["node.name"] = "a \"quoted\" \\ name";
  if (*rc::gen::arbitrary<bool>()) out.mutations = {"forgets", "sells-twice"};
  const auto faults = *rc::gen::inRange(0, 12);
  for (int i = 0; i < faults; ++i) out.faults.push_back(any_fault(out));
  const auto operations = *rc::gen::inRange(0, 12);
  for (int i = 0; i < operations; ++i) out.operations.push_back(any_operation(out));
  const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
  std::stable_sort(out.faults.begin(), out.faults.end(), earlier);
  std::stable_sort(out.operations.begin(), out.operations.end(), earlier);
  return out;
}

}  // namespace troupe::apps
