#include "apps/sim/smaller.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

bool is_node(const sim::OperationSpec* spec, const std::string& number) {
  const sim::NumberSpec* its = spec ? number_spec(*spec, number) : nullptr;
  return its && its->node;
}

std::int64_t bit(std::int64_t node) { return std::int64_t{1} << node; }

/// Returns the set without those nodes, with the other nodes renumbered.
std::int64_t counted_anew(std::int64_t set, const std::vector<std::uint16_t>& numbers, std::uint16_t gone) {
  std::int64_t out = 0;
  for (std::size_t node = 0; node < numbers.size() && node < sim::kSetNodesMax; ++node)
    if ((set & bit(static_cast<std::int64_t>(node))) != 0 && numbers[node] != gone) out |= bit(numbers[node]);
  return out;
}

}  // namespace

sim::Scenario until(sim::Scenario scenario, base::Duration end) {
  const auto later = [&](const auto& event) { return event.at > end; };
  std::erase_if(scenario.faults, later);
  std::erase_if(scenario.operations, later);
  scenario.time = std::min<base::Duration>(scenario.time, std::max(1s, std::chrono::ceil<std::chrono::seconds>(end)));
  return scenario;
}

std::vector<std::uint16_t> idle_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs) {
  std::vector<bool> busy(scenario.nodes);
  const auto needs = [&](std::int64_t node) {
    if (node >= 0 && node < scenario.nodes) busy[static_cast<std::size_t>(node)] = true;
  };
  for (const sim::Fault& fault : scenario.faults) {
    if (sim::spec(fault.what).on_node) needs(fault.node);
    if (sim::spec(fault.what).on_other) needs(fault.other);
  }
  for (const sim::Operation& operation : scenario.operations) {
    needs(operation.node);
    const sim::OperationSpec* spec = operation_spec(specs, operation.what);
    for (const auto& [name, number] : operation.with)
      if (is_node(spec, name)) needs(number);
  }
  std::vector<std::uint16_t> idle;
  for (std::uint16_t node = 0; node < scenario.nodes; ++node)
    if (!busy[node]) idle.push_back(node);
  return idle;
}

std::optional<sim::Scenario> without_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs,
                                           std::span<const std::uint16_t> nodes) {
  sim::Scenario out = scenario;
  const std::uint16_t gone = scenario.nodes;
  std::vector<std::uint16_t> numbers;
  out.nodes = 0;
  out.drift_ppm.clear();
  for (std::uint16_t node = 0; node < scenario.nodes; ++node) {
    const bool stays = std::find(nodes.begin(), nodes.end(), node) == nodes.end();
    numbers.push_back(stays ? out.nodes++ : gone);
    if (stays && node < scenario.drift_ppm.size()) out.drift_ppm.push_back(scenario.drift_ppm[node]);
  }
  if (out.nodes == 0) return std::nullopt;

  for (sim::Fault& fault : out.faults) {
    const sim::FaultSpec& spec = sim::spec(fault.what);
    if (spec.on_node) fault.node = numbers[fault.node];
    if (spec.on_other) fault.other = numbers[fault.other];
    if (spec.amount != sim::Amount::set) continue;
    fault.amount = counted_anew(fault.amount, numbers, gone);
    if (fault.amount == 0) return std::nullopt;
  }
  for (sim::Operation& operation : out.operations) {
    operation.node = numbers[operation.node];
    const sim::OperationSpec* spec = operation_spec(specs, operation.what);
    for (auto& [name, number] : operation.with)
      if (is_node(spec, name)) number = numbers[static_cast<std::size_t>(number)];
  }
  return out;
}

std::vector<Member> members(const sim::Scenario& scenario) {
  std::vector<Member> out;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const sim::Fault& fault = scenario.faults[i];
    if (sim::spec(fault.what).amount != sim::Amount::set ||
        std::has_single_bit(static_cast<std::uint64_t>(fault.amount)))
      continue;
    for (std::uint16_t node = 0; node < sim::kSetNodesMax; ++node)
      if ((fault.amount & bit(node)) != 0) out.push_back({i, node});
  }
  return out;
}

std::vector<std::size_t> odd_moments(const sim::Scenario& scenario, base::Duration grain) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i)
    if (scenario.faults[i].at % grain != 0ns) out.push_back(i);
  for (std::size_t i = 0; i < scenario.operations.size(); ++i)
    if (scenario.operations[i].at % grain != 0ns) out.push_back(scenario.faults.size() + i);
  return out;
}

sim::Scenario moved(sim::Scenario scenario, std::span<const std::size_t> events, base::Duration grain) {
  for (const std::size_t event : events) {
    auto& at = event < scenario.faults.size() ? scenario.faults[event].at
                                              : scenario.operations[event - scenario.faults.size()].at;
    at -= at % grain;
  }
  const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
  std::stable_sort(scenario.faults.begin(), scenario.faults.end(), earlier);
  std::stable_sort(scenario.operations.begin(), scenario.operations.end(), earlier);
  return scenario;
}

std::vector<Size> sizes(const sim::Scenario& scenario, sim::WorkloadSpecs specs) {
  std::vector<Size> out;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const sim::Fault& fault = scenario.faults[i];
    const sim::FaultSpec& spec = sim::spec(fault.what);
    if (fault.span > kSpanMin) out.push_back({Size::Of::span, i, "", fault.span.count(), kSpanMin.count()});
    const std::int64_t least = std::max<std::int64_t>(amount_min(spec), 0);
    if (spec.amount == sim::Amount::number && fault.amount != least)
      out.push_back({Size::Of::amount, i, "", fault.amount, least});
  }
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> said;  // by operation and name: the smallest value
  for (const sim::Operation& operation : scenario.operations) {
    const sim::OperationSpec* spec = operation_spec(specs, operation.what);
    for (const auto& [name, number] : operation.with) {
      const sim::NumberSpec* its = spec ? number_spec(*spec, name) : nullptr;
      if (!its || its->node || number <= kPlainMax) continue;
      std::int64_t& least = said.try_emplace({name, number}, kPlainMax).first->second;
      least = std::max(least, its->min);
    }
  }
  for (const auto& [number, least] : said)
    if (number.second > least) out.push_back({Size::Of::operations, 0, number.first, number.second, least});
  // Smaller numbers first: if several change, none becomes the old value of another.
  std::stable_sort(out.begin(), out.end(), [](const Size& a, const Size& b) { return a.was < b.was; });
  return out;
}

void resize(sim::Scenario& scenario, const Size& size, std::int64_t value) {
  switch (size.of) {
    case Size::Of::span: scenario.faults[size.fault].span = base::Duration(value); return;
    case Size::Of::amount: scenario.faults[size.fault].amount = value; return;
    case Size::Of::operations:
      for (sim::Operation& operation : scenario.operations)
        if (const auto its = operation.with.find(size.name); its != operation.with.end() && its->second == size.was)
          its->second = value;
      return;
  }
}

std::int64_t rounded(std::int64_t number) {
  std::int64_t unit = 1;
  while (number / unit > 9 || number / unit < -9) unit *= 10;
  return number / unit * unit;
}

}  // namespace troupe::apps
