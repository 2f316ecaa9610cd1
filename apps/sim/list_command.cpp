// troupe sim list
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/trial.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::size_t kTextColumns = 118;  // with an indentation of two

std::string range(const std::string& name, std::int64_t min, std::int64_t max) {
  return name + ' ' + std::to_string(min) + ".." + std::to_string(max);
}

std::string takes(const sim::OperationSpec& operation) {
  std::vector<std::string> words;
  for (const sim::NumberSpec& one : operation.with) {
    const std::string name(one.name);
    words.push_back(one.node ? name + " of a node" : range(name, one.min, one.max));
  }
  return joined(words);
}

std::string takes(const sim::FaultSpec& fault) {
  std::vector<std::string> words;
  if (fault.on_node) words.emplace_back("node");
  if (fault.on_other) words.emplace_back("other");
  if (fault.amount == sim::Amount::set) words.emplace_back("nodes");
  if (fault.amount == sim::Amount::number) words.push_back(range("amount", fault.amount_min, fault.amount_max));
  if (fault.lasts) words.emplace_back("span");
  if (fault.loses_data) words.emplace_back("its node may lose data");
  if (fault.beyond) words.emplace_back("only with --beyond");
  return joined(words);
}

/// A list entry: its kind, its name, its parameters, and a line about it.
struct Entry {
  std::string kind, name, takes, help;
  const sim::WorkloadSpec* of = nullptr;  // the domain
};

std::vector<Entry> entries(sim::WorkloadSpecs workloads) {
  std::vector<Entry> out;
  for (const sim::FaultSpec& fault : sim::fault_specs())
    out.push_back({"fault", std::string(fault.name), takes(fault), std::string(fault.help)});
  const auto add = [&out](const sim::WorkloadSpec& spec, bool domain = true) {
    const std::size_t first = out.size();
    if (domain) out.push_back({"domain", std::string(spec.name), "", ""});
    const std::string prefix = std::string(spec.name) + '.';
    for (const auto& one : spec.operations)
      out.push_back({"operation", prefix + std::string(one.name), takes(one), std::string(one.help)});
    for (const auto& one : spec.knobs) out.push_back({"knob", std::string(one.setting), joined(one.values, " "), ""});
    for (const auto& one : spec.invariants)
      out.push_back({"invariant", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : spec.sometimes)
      out.push_back({"property", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : spec.mutants) out.push_back({"mutant", std::string(one.name), "", std::string(one.help)});
    for (std::size_t i = first; domain && i < out.size(); ++i) out[i].of = &spec;
  };
  add(world_spec(), false);
  for (const sim::WorkloadSpec* domain : workloads) add(*domain);
  return out;
}

Ending print_list(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const auto all = entries(workloads);
  if (invocation.globals.json) {
    JsonLine<output::wire::SimCards> line;
    auto rows = line->initCards(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      rows[i].setKind(all[i].kind);
      rows[i].setName(all[i].name);
      rows[i].setTakes(all[i].takes);
      rows[i].setHelp(all[i].help);
      if (all[i].of == nullptr) continue;
      rows[i].setDomain(std::string(all[i].of->name));
      if (all[i].kind != "domain") continue;
      auto mutants = rows[i].initMutants(static_cast<unsigned>(all[i].of->mutants.size()));
      for (unsigned j = 0; j < mutants.size(); ++j) mutants.set(j, std::string(all[i].of->mutants[j].name));
    }
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return Exit::done;
  }
  for (const Entry& one : all) {
    console.out << one.kind << ' ' << one.name << '\n';
    for (const std::string* text : {&one.takes, &one.help})
      if (!text->empty()) console.out << "  " << joined(wrapped(*text, kTextColumns), "\n  ") << '\n';
  }
  return Exit::done;
}

}  // namespace

Command list(sim::WorkloadSpecs workloads) {
  return {.name = "sim list",
          .summary = "List the domains, their operations, invariants and mutants, and the faults",
          .run = simulating(print_list, workloads)};
}

}  // namespace troupe::apps::sim_command
