// troupe sim survival
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/dht_model/survival.hpp"
#include "apps/sim/options.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::sim_command {
namespace {

using namespace dht::model;
using std::chrono::hours;

constexpr std::size_t kCopies[] = {5, 10, 20};
constexpr hours kPeriods[] = {hours(1), hours(6), hours(22), hours(44), hours(72)};
constexpr hours kSessions[] = {hours(1), hours(6), hours(24)};

struct Point {
  SurvivalPlan plan;
  Survival what;
};

void print_text(std::ostream& out, const std::vector<Point>& points) {
  TextTable table({{"NODES"},
                   {"SESSION", Align::right},
                   {"REPUBLISH", Align::right},
                   {"COPIES", Align::right},
                   {"FOUND %", Align::right},
                   {"95 % IN", Align::right},
                   {"STORES A DAY", Align::right}});
  for (const auto& [plan, what] : points) {
    const Interval interval = what.found.interval();
    table.add({plan.comes_back ? "return" : "are replaced", config::duration_text(plan.session),
               config::duration_text(plan.republish), std::to_string(plan.copies), fixed(100 * what.found.value(), 3),
               fixed(100 * interval.low, 3) + " to " + fixed(100 * interval.high, 3), fixed(what.stores_a_day, 1)});
  }
  table.print(out);
}

void print_json(std::ostream& out, const std::vector<Point>& points) {
  JsonLine<output::wire::SimSurvivals> line;
  auto rows = line->initRows(static_cast<unsigned>(points.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const auto& [plan, what] = points[i];
    const Interval interval = what.found.interval();
    rows[i].setComesBack(plan.comes_back);
    rows[i].setSessionS(seconds(plan.session));
    rows[i].setRepublishS(seconds(plan.republish));
    rows[i].setCopies(plan.copies);
    rows[i].setProbes(what.found.tries);
    rows[i].setFound(what.found.hits);
    rows[i].setRatio(what.found.value());
    rows[i].setRatioLow(interval.low);
    rows[i].setRatioHigh(interval.high);
    rows[i].setStoresADay(what.stores_a_day);
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

Ending run_survival(const Invocation& invocation, Console& console) {
  std::vector<Point> points;
  for (const bool comes_back : {true, false})
    for (const hours session : kSessions)
      for (const hours republish : kPeriods)
        for (const std::size_t copies : kCopies) {
          SurvivalPlan plan{.copies = copies, .republish = republish, .session = session, .comes_back = comes_back};
          plan.weeks = hours(24 * 7 * invocation.number("--weeks").value_or(4));
          plan.nodes = invocation.number("--nodes").value_or(plan.nodes);
          plan.probes = invocation.number("--probes").value_or(plan.probes);
          plan.seed = invocation.number("--seed").value_or(1);
          points.push_back({plan, survive(plan)});
        }
  if (invocation.globals.json) print_json(console.out, points);
  else print_text(console.out, points);
  return Exit::done;
}

}  // namespace

Command survival() {
  return {.name = "sim survival",
          .summary = "Measure how often a record of the DHT is found, by copies, republish period and sessions",
          .options = {number_option("--weeks", "W", "weeks of virtual time for each point (default 4)", 1, 52),
                      number_option("--nodes", "N", "mean number of nodes that are up (default 1000)", 50, 100'000),
                      number_option("--probes", "N", "number of lookups of a record for each point (default 20000)", 1,
                                    10'000'000),
                      seed_option("seed of all random choices (default 1)")},
          .run = simulating(run_survival)};
}

}  // namespace troupe::apps::sim_command
