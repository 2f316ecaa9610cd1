// troupe sim explore DOMAIN
#include <algorithm>

#include "actors/escrow/logic/explore.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/options.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr const char* kExploreNotes = R"(
what it is
  one small escrow: every order of acts, deadlines, duplicates, refusals of the ledger, outages and crashes, until no
  state is new; each group of limits is explored to its end
exits
  0 if all was explored and held, 1 if an invariant broke, 10 if states were left out (--states)
)";

/// Prints the sum of all groups; for the first broken group, the events that lead to the failure.
Ending run_explore(const Invocation& invocation, Console& console) {
  escrow::Explored all{.complete = true};
  TextTable table({{"GROUP"},
                   {"STATES", Align::right},
                   {"TRANSITIONS", Align::right},
                   {"DEPTH", Align::right},
                   {"COMPLETE"},
                   {"HELD"}});
  for (escrow::Exploration one : escrow::explorations()) {
    if (const auto states = invocation.number("--states")) one.limits.states_max = *states;
    escrow::Explored explored = escrow::explore(one.limits);
    table.add({std::string(one.name), std::to_string(explored.states), std::to_string(explored.transitions),
               std::to_string(explored.depth), explored.complete ? "yes" : "no", explored.held ? "yes" : "no"});
    all.states += explored.states;
    all.transitions += explored.transitions;
    all.depth = std::max(all.depth, explored.depth);
    all.complete = all.complete && explored.complete;
    if (!all.held || explored.held) continue;
    all.held = false;
    all.invariant = std::move(explored.invariant);
    all.path = std::move(explored.path);
  }
  if (invocation.globals.json) {
    JsonLine<output::wire::SimExplored> line;
    line->setDomain("escrow");
    line->setStates(all.states);
    line->setTransitions(all.transitions);
    line->setDepth(all.depth);
    line->setComplete(all.complete);
    line->setHeld(all.held);
    if (!all.held) line->setInvariant(all.invariant);
    auto path = line->initPath(static_cast<unsigned>(all.path.size()));
    for (unsigned i = 0; i < path.size(); ++i) path.set(i, all.path[i]);
    line.print(console.out);
  } else {
    table.print(console.out);
    if (!all.held) console.out << "broken:  " << all.invariant << '\n';
    for (const std::string& step : all.path) console.out << "         " << step << '\n';
  }
  if (!all.held) return Exit::failed;
  return all.complete ? Exit::done : Exit::nothing_checked;
}

}  // namespace

Command explore() {
  return {.name = "sim explore",
          .summary = "Explore every order of events for one small actor of a domain",
          .options = {number_option("--states", "N", "stop a group after N states (default 5000000)", 1, 100'000'000)},
          .positionals = {{.name = "DOMAIN", .help = "escrow", .choices = {"escrow"}}},
          .notes = kExploreNotes,
          .run = simulating(run_explore)};
}

}  // namespace troupe::apps::sim_command
