// troupe sim list
#include <capnp/message.h>

#include <ostream>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/commands.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/trial.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps::sim_command {
namespace {

std::string takes(const sim::OperationSpec& operation) {
  std::string out;
  for (const sim::NumberSpec& one : operation.with)
    out += (out.empty() ? "" : ", ") + std::string(one.name) +
           (one.node ? " of a node" : ' ' + std::to_string(one.min) + ".." + std::to_string(one.max));
  return out;
}

std::string takes(const sim::FaultSpec& fault) {
  std::string out;
  const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : ", ") + word; };
  if (fault.on_node) add("node");
  if (fault.on_other) add("other");
  if (fault.amount == sim::Amount::set) add("nodes");
  if (fault.amount == sim::Amount::number)
    add("amount " + std::to_string(fault.amount_min) + ".." + std::to_string(fault.amount_max));
  if (fault.lasts) add("span");
  if (fault.loses_data) add("its node may lose data");
  if (fault.beyond) add("only with --beyond");
  return out;
}

std::string values(const sim::Knob& knob) {
  std::string out;
  for (const auto value : knob.values) out += (out.empty() ? "" : " ") + std::string(value);
  return out;
}

/// What there is to list: what kind of thing, its name, what it takes, and a line about it.
struct Entry {
  std::string kind, name, takes, help;
};

std::vector<Entry> entries(sim::WorkloadSpecs workloads) {
  std::vector<Entry> out;
  for (const sim::FaultSpec& fault : sim::fault_specs())
    out.push_back({"fault", std::string(fault.name), takes(fault), std::string(fault.help)});
  const auto add = [&out](const sim::WorkloadSpec& spec) {
    const std::string prefix = std::string(spec.name) + '.';
    for (const auto& one : spec.operations)
      out.push_back({"order", prefix + std::string(one.name), takes(one), std::string(one.help)});
    for (const auto& one : spec.knobs) out.push_back({"knob", std::string(one.setting), values(one), ""});
    for (const auto& one : spec.invariants)
      out.push_back({"invariant", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : spec.sometimes)
      out.push_back({"property", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : spec.mutants) out.push_back({"mutant", std::string(one.name), "", std::string(one.help)});
  };
  add(world_spec());
  for (const sim::WorkloadSpec* domain : workloads) {
    out.push_back({"domain", std::string(domain->name), "", ""});
    add(*domain);
  }
  return out;
}

Ending print_list(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const auto all = entries(workloads);
  if (invocation.globals.json) {
    capnp::MallocMessageBuilder message;
    auto rows = message.initRoot<output::wire::SimCards>().initCards(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      rows[i].setKind(all[i].kind);
      rows[i].setName(all[i].name);
      rows[i].setTakes(all[i].takes);
      rows[i].setHelp(all[i].help);
    }
    write_json_line(console.out, message.getRoot<output::wire::SimCards>().asReader().getCards());
    return Exit::done;
  }
  TextTable table({{"KIND"}, {"NAME"}, {"TAKES"}, {"WHAT"}});
  for (const Entry& one : all) table.add({one.kind, one.name, one.takes, one.help});
  table.print(console.out);
  return Exit::done;
}

}  // namespace

Command list(sim::WorkloadSpecs workloads) {
  return {
      .name = "sim list",
      .summary = "Show the domains that can be tried, their operations, invariants and planted bugs, and the faults",
      .run = simulating(print_list, workloads)};
}

}  // namespace troupe::apps::sim_command
