// troupe sim churn
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/dht_model/churn.hpp"
#include "apps/sim/options.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::sim_command {
namespace {

using namespace dht::model;

void print_text(std::ostream& out, const ChurnPlan& plan, const Churned& what) {
  const Interval interval = what.found.interval();
  TextTable table({{"FIGURE"}, {"VALUE", Align::right}});
  table.add({"found", fixed(100 * what.found.value(), 4) + " %"});
  table.add({"of which 95 % lie in", fixed(100 * interval.low, 4) + " to " + fixed(100 * interval.high, 4) + " %"});
  table.add({"gets", std::to_string(what.found.tries)});
  table.add({"of keys", std::to_string(what.keys)});
  table.add({"not found", std::to_string(what.found.tries - what.found.hits)});
  table.add({"of them no holder was up", std::to_string(what.no_holder)});
  table.add({"gets asked anew, their node left", std::to_string(what.cut_off)});
  table.add({"puts that were tried", std::to_string(what.put_tries)});
  table.add({"requests of a get", fixed(what.requests_each, 2)});
  table.add({"hops", fixed(what.hops, 2)});
  table.add({"ms of a get, p50", fixed(1'000 * seconds(what.p50), 0)});
  table.add({"ms of a get, p99", fixed(1'000 * seconds(what.p99), 0)});
  table.add({"sessions", std::to_string(what.sessions)});
  table.add({"nodes up at the end", std::to_string(what.up)});
  table.add({"requests of all", std::to_string(what.requests)});
  table.print(out);
  out << plan.nodes << " nodes, sessions of " << config::duration_text(plan.session) << ", " << plan.come_back_percent
      << " % come back after " << config::duration_text(plan.absence) << ", " << plan.loss_percent
      << " % of datagrams lost, " << plan.hostile_percent << " % hostile, keys of up to "
      << config::duration_text(plan.key_age + plan.span) << ", published again each "
      << config::duration_text(plan.republish) << ", seed " << plan.seed << '\n';
}

void print_json(std::ostream& out, const ChurnPlan& plan, const Churned& what) {
  JsonLine<output::wire::SimChurn> row;
  const Interval interval = what.found.interval();
  row->setNodes(plan.nodes);
  row->setSessionS(seconds(plan.session));
  row->setAbsenceS(seconds(plan.absence));
  row->setComeBackPercent(plan.come_back_percent);
  row->setLossPercent(plan.loss_percent);
  row->setHostilePercent(plan.hostile_percent);
  row->setKeys(what.keys);
  row->setGets(what.found.tries);
  row->setFound(what.found.hits);
  row->setRatio(what.found.value());
  row->setRatioLow(interval.low);
  row->setRatioHigh(interval.high);
  row->setNobody(what.no_holder);
  row->setRequestsEach(what.requests_each);
  row->setHops(what.hops);
  row->setP50Ms(1'000 * seconds(what.p50));
  row->setP99Ms(1'000 * seconds(what.p99));
  row->setSessions(what.sessions);
  row->setRequests(what.requests);
  row->setSeed(plan.seed);
  row.print(out);
}

/// Reads a time into `out` if it was given.
std::optional<Failure> read_time(const Invocation& invocation, std::string_view option, base::Duration& out) {
  const auto text = invocation.text(option);
  if (!text) return std::nullopt;
  const auto time = config::parse_duration(*text);
  if (!time || *time < std::chrono::seconds(1) || *time > std::chrono::hours(24 * 14))
    return usage_failure(std::string(option) + " is a time such as 90m, from a second to 14 days",
                         "troupe help sim churn");
  out = *time;
  return std::nullopt;
}

Ending run_churn(const Invocation& invocation, Console& console) {
  ChurnPlan plan;
  const auto read = [&](std::string_view option, auto& out) {
    if (const auto given = invocation.number(option)) out = *given;
  };
  read("--nodes", plan.nodes);
  read("--come-back", plan.come_back_percent);
  read("--loss", plan.loss_percent);
  read("--hostile", plan.hostile_percent);
  read("--keys", plan.keys);
  read("--gets", plan.gets);
  read("--seed", plan.seed);
  const std::pair<std::string_view, base::Duration*> times[] = {{"--session", &plan.session},
                                                                {"--absence", &plan.absence},
                                                                {"--warm-up", &plan.warm_up},
                                                                {"--key-age", &plan.key_age},
                                                                {"--republish", &plan.republish}};
  for (const auto& [option, out] : times)
    if (auto failure = read_time(invocation, option, *out)) return std::move(*failure);
  if (plan.warm_up < plan.key_age + kForming)
    return usage_failure("--key-age reaches back to before the network has formed, 10 minutes after its beginning",
                         "a longer --warm-up");
  const Churned what = dht::model::churn(plan);
  if (invocation.globals.json) print_json(console.out, plan, what);
  else print_text(console.out, plan, what);
  return what.found.tries > 0 ? Exit::done : Exit::nothing_checked;
}

Option span(std::string name, std::string help) {
  return {.name = std::move(name), .value = "T", .help = std::move(help)};
}
Option percent(std::string name, std::string help) {
  return number_option(std::move(name), "P", std::move(help), 0, 100);
}

}  // namespace

Command churn() {
  return {.name = "sim churn",
          .summary = "Measure how often values of the DHT are found while nodes come and go",
          .options = {number_option("--nodes", "N", "number of nodes that are up on average (1000)", 30, 100'000),
                      span("--session", "mean time for which a node stays up (60m)"),
                      span("--absence", "mean time for which a node stays away (60m)"),
                      percent("--come-back", "percentage of nodes that return; new nodes replace the others (100)"),
                      percent("--loss", "percentage of datagrams that are lost (1)"),
                      percent("--hostile", "percentage of nodes that are silent, or lie in one of three ways (0)"),
                      span("--warm-up", "time before the first get (6h)"),
                      span("--key-age", "time before the first get in which values are put (5h)"),
                      span("--republish", "period in which each value is published again (22h)"),
                      number_option("--keys", "N", "number of values (5000)", 1, 1'000'000),
                      number_option("--gets", "N", "number of gets, by nodes that never handled the key (100000)", 1,
                                    100'000'000),
                      seed_option("seed of all random choices (1)")},
          .run = simulating(run_churn)};
}

}  // namespace troupe::apps::sim_command
