// troupe sim collusion
#include "actors/task/logic/collusion.hpp"
#include "actors/task/logic/risk.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/options.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr double kColluding[] = {0, 0.05, 0.1, 0.2};
constexpr unsigned kFirstTo[] = {1, 2, 3, 5};
constexpr std::size_t kWarmUpEach = 200;  // the issue on tasks: results of each worker before those that count

struct Row {
  task::CollusionPlan plan;
  task::Collusion what;

  const char* way() const {
    if (plan.way == task::Way::first) return "first";
    return plan.behaves_first ? "trust, behaves first" : "trust";
  }
  unsigned replicas() const { return plan.way == task::Way::first ? plan.first_to : 1; }
};

std::vector<Row> rows_of(const Invocation& invocation) {
  std::vector<Row> out;
  const auto add = [&](task::CollusionPlan plan) {
    plan.tasks = invocation.number("--tasks").value_or(plan.tasks);
    plan.seed = invocation.number("--seed").value_or(1);
    out.push_back({plan, collude(plan)});
  };
  for (const double colluding : kColluding) {
    for (const unsigned m : kFirstTo) add({.way = task::Way::first, .first_to = m, .colluding = colluding});
    for (const bool behaves : {false, true}) {
      task::CollusionPlan plan{.way = task::Way::trust, .colluding = colluding, .behaves_first = behaves};
      plan.warm_up = kWarmUpEach * plan.workers;
      if (colluding > 0 || !behaves) add(plan);
    }
  }
  return out;
}

void print_text(std::ostream& out, const std::vector<Row>& rows) {
  TextTable table({{"COLLUDING %", Align::right},
                   {"WAY"},
                   {"REPLICAS", Align::right},
                   {"WRONG %", Align::right},
                   {"OVERHEAD %", Align::right}});
  for (const Row& row : rows)
    table.add({fixed(100 * row.plan.colluding, 0), row.way(), std::to_string(row.replicas()),
               fixed(100 * row.what.wrong_share(), 3), fixed(100 * row.what.overhead(), 1)});
  table.print(out);
}

void print_json(std::ostream& out, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    JsonLine<output::wire::SimCollusion> line;
    line->setColluding(row.plan.colluding);
    line->setReplicas(row.replicas());
    line->setWrong(row.what.wrong_share());
    line->setOverhead(row.what.overhead());
    line->setWay(row.way());
    line->setTasks(row.what.tasks);
    line.print(out);
  }
}

Ending run_collusion(const Invocation& invocation, Console& console) {
  const auto rows = rows_of(invocation);
  if (invocation.globals.json) print_json(console.out, rows);
  else print_text(console.out, rows);
  return Exit::done;
}

constexpr const char* kNotes = R"(
ways
  first                 accepts the first result that REPLICAS workers have returned: task submit --risk
  trust                 one result is enough from a worker that was right ten times in a row, except for one in as
                        many tasks as these times, at most twenty; otherwise two equal results are needed
  trust, behaves first  the same, and colluders are right until they are trusted
)";

}  // namespace

Command collusion() {
  return {
      .name = "sim collusion",
      .summary = "Measure accepted wrong results, and the price of preventing them, by the share of colluding workers",
      .options = {number_option("--tasks", "N", "tasks per row (default 30000)", 1, 10'000'000),
                  seed_option("seed of all random choices (default 1)")},
      .notes = kNotes,
      .run = run_collusion};
}

}  // namespace troupe::apps::sim_command
