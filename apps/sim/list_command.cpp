// troupe sim list
#include <capnp/message.h>

#include <ostream>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/commands.hpp"
#include "apps/sim/domains.hpp"
#include "apps/sim/trial.hpp"

namespace troupe::apps::sim_command {
namespace {

std::string takes(const sim::OrderCard& order) {
  std::string out;
  for (const sim::NumberCard& one : order.with)
    out += (out.empty() ? "" : ", ") + std::string(one.name) +
           (one.node ? " of a node" : ' ' + std::to_string(one.min) + ".." + std::to_string(one.max));
  return out;
}

std::string takes(const sim::FaultCard& fault) {
  std::string out;
  const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : ", ") + word; };
  if (fault.on_node) add("node");
  if (fault.on_other) add("other");
  if (fault.amount == sim::Amount::set) add("nodes");
  if (fault.amount == sim::Amount::number)
    add("amount " + std::to_string(fault.amount_min) + ".." + std::to_string(fault.amount_max));
  if (fault.lasts) add("span");
  if (fault.robs) add("robs its node");
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

std::vector<Entry> entries() {
  std::vector<Entry> out;
  for (const sim::FaultCard& fault : sim::fault_cards())
    out.push_back({"fault", std::string(fault.name), takes(fault), std::string(fault.help)});
  const auto add = [&out](const sim::DomainCard& card) {
    const std::string prefix = std::string(card.name) + '.';
    for (const auto& one : card.orders)
      out.push_back({"order", prefix + std::string(one.name), takes(one), std::string(one.help)});
    for (const auto& one : card.knobs) out.push_back({"knob", std::string(one.setting), values(one), ""});
    for (const auto& one : card.invariants)
      out.push_back({"invariant", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : card.sometimes)
      out.push_back({"property", std::string(one.name), "", std::string(one.help)});
    for (const auto& one : card.mutants) out.push_back({"mutant", std::string(one.name), "", std::string(one.help)});
  };
  add(world_card());
  for (const sim::Domain* domain : sim_domains()) {
    out.push_back({"domain", std::string(domain->card().name), "", ""});
    add(domain->card());
  }
  return out;
}

Ending print_list(const Invocation& invocation, Console& console) {
  const auto all = entries();
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

Command list() {
  return {.name = "sim list",
          .summary = "Show the domains that can be tried, their orders, invariants and planted bugs, and the faults",
          .run = print_list};
}

}  // namespace troupe::apps::sim_command
