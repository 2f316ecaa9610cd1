#include <algorithm>
#include <charconv>
#include <limits>

#include "apps/sim/scenario_file.hpp"
#include "apps/sim/span.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

/// One line of "key = value" in braces.
class Line {
 public:
  void add(std::string_view key, const std::string& value) {
    text_ += (text_.empty() ? " " : ", ") + std::string(key) + " = " + value;
  }
  std::string text() const { return '{' + text_ + (text_.empty() ? "}" : " }"); }

 private:
  std::string text_;
};

template <class List, class Show>
std::string list(const List& items, const Show& show) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + show(item);
  return '[' + out + ']';
}

std::string span(base::Duration span) { return base::quoted(span_text(span)); }
std::string node(std::int64_t number) { return base::quoted(sim::node_name(static_cast<std::size_t>(number))); }

std::string seed(std::uint64_t seed) {
  if (seed <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::to_string(seed);
  char digits[16];  // all 16 are needed: the highest bit is set
  std::to_chars(digits, digits + sizeof digits, seed, 16);
  return base::quoted("0x" + std::string(digits, sizeof digits));
}

std::string set(std::int64_t bits) {
  std::vector<std::int64_t> nodes;
  for (std::int64_t i = 0; i < sim::kSetNodesMax; ++i)
    if (((bits >> i) & 1) != 0) nodes.push_back(i);
  return list(nodes, node);
}

std::string line(const sim::Fault& fault) {
  const sim::FaultSpec& spec = sim::spec(fault.what);
  Line out;
  out.add("at", span(fault.at));
  out.add("what", base::quoted(spec.name));
  if (spec.on_node) out.add("node", node(fault.node));
  if (spec.on_other) out.add("other", node(fault.other));
  if (spec.amount == sim::Amount::set) out.add("nodes", set(fault.amount));
  if (spec.amount == sim::Amount::number) out.add("amount", std::to_string(fault.amount));
  if (spec.lasts) out.add("span", span(fault.span));
  if (fault.by_hand) out.add("by_hand", "true");
  return out.text();
}

std::string line(const sim::Operation& operation, const sim::OperationSpec* spec) {
  Line out;
  out.add("at", span(operation.at));
  out.add("node", node(operation.node));
  out.add("what", base::quoted(operation.what));
  for (const auto& [name, number] : operation.with) {
    const sim::NumberSpec* its = spec ? number_spec(*spec, name) : nullptr;
    out.add(name, its && its->node ? node(number) : std::to_string(number));
  }
  return out.text();
}

std::string comment(std::string_view about) {
  about = about.substr(0, kHeaderBytesMax);
  std::string out;
  while (!about.empty()) {
    const auto end = std::min(about.find('\n'), about.size());
    const std::string_view one = about.substr(0, end);
    out += (one.empty() ? "#" : "# ") + (base::is_plain(one) ? std::string(one) : base::printable(one)) + '\n';
    about.remove_prefix(std::min(end + 1, about.size()));
  }
  return out;
}

}  // namespace

std::string write_scenario(const sim::Scenario& scenario, sim::WorkloadSpecs specs, std::string_view about) {
  std::string out = comment(about);
  const auto add = [&](std::string_view key, const std::string& value) {
    out += std::string(key) + " = " + value + '\n';
  };
  const auto text = [](const std::string& one) { return base::quoted(one); };
  add("seed", seed(scenario.seed));
  add("domains", list(scenario.domains, text));
  add("nodes", std::to_string(scenario.nodes));
  add("time", span(scenario.time));
  add("converge", span(scenario.converge));
  add("policy", base::quoted(name(scenario.policy)));
  add("latency", list(std::vector{scenario.latency_min, scenario.latency_max}, span));
  if (scenario.tls) add("tls", "true");
  if (scenario.beyond) add("beyond", "true");
  if (!scenario.drift_ppm.empty())
    add("drift_ppm", list(scenario.drift_ppm, [](std::int32_t ppm) { return std::to_string(ppm); }));
  if (!scenario.mutations.empty()) add("mutations", list(scenario.mutations, text));
  if (!scenario.knobs.empty()) {
    Line knobs;
    for (const auto& [setting, value] : scenario.knobs) knobs.add(base::quoted(setting), base::quoted(value));
    add("knobs", knobs.text());
  }
  // One line for each: people read a list of events from top to bottom, and compare the times.
  if (!scenario.faults.empty()) {
    out += "\nfault = [\n";
    for (const sim::Fault& fault : scenario.faults) out += "  " + line(fault) + ",\n";
    out += "]\n";
  }
  if (!scenario.operations.empty()) {
    out += "\noperation = [\n";
    for (const sim::Operation& operation : scenario.operations)
      out += "  " + line(operation, operation_spec(specs, operation.what)) + ",\n";
    out += "]\n";
  }
  return out;
}

}  // namespace troupe::apps
