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
  table.add({"of which 95 % are in", fixed(100 * interval.low, 4) + " to " + fixed(100 * interval.high, 4) + " %"});
  table.add({"gets", std::to_string(what.found.tries)});
  table.add({"keys", std::to_string(what.keys)});
  table.add({"not found", std::to_string(what.found.tries - what.found.hits)});
  table.add({"of them without a live storage node", std::to_string(what.no_holder)});
  table.add({"gets repeated because their node left", std::to_string(what.cut_off)});
  table.add({"puts tried", std::to_string(what.put_tries)});
  table.add({"requests per get", fixed(what.requests_each, 2)});
  table.add({"hops", fixed(what.hops, 2)});
  table.add({"ms per get, p50", fixed(1'000 * seconds(what.p50), 0)});
  table.add({"ms per get, p99", fixed(1'000 * seconds(what.p99), 0)});
  table.add({"sessions", std::to_string(what.sessions)});
  table.add({"nodes up at the end", std::to_string(what.up)});
  table.add({"requests in total", std::to_string(what.requests)});
  table.print(out);
  out << plan.nodes << " nodes, sessions of " << config::duration_text(plan.session) << ", " << plan.come_back_percent
      << " % return after " << config::duration_text(plan.absence) << ", " << plan.loss_percent
      << " % of datagrams lost, " << plan.hostile_percent << " % hostile, keys of up to "
      << config::duration_text(plan.key_age + plan.span) << ", republished every "
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
    return usage_failure(std::string(option) + " must be a time from a second to 14 days, such as 90m",
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
    return usage_failure("--key-age exceeds the warm-up less the 10 minutes in which the network forms",
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
  return {
      .name = "sim churn",
      .summary = "Measure how often values of the DHT are found while nodes come and go",
      .options = {number_option("--nodes", "N", "mean number of nodes that are up (default 1000)", 30, 100'000),
                  span("--session", "mean time that a node stays up (default 60m)"),
                  span("--absence", "mean time that a node stays away (default 60m)"),
                  percent("--come-back", "percentage of nodes that return; new nodes replace the rest (default 100)"),
                  percent("--loss", "percentage of datagrams that are lost (default 1)"),
                  percent("--hostile",
                          "percentage of nodes that are silent, or malicious in one of three ways (default 0)"),
                  span("--warm-up", "time before the first get (default 6h)"),
                  span("--key-age", "time before the first get in which values are put (default 5h)"),
                  span("--republish", "time after which each value is published again (default 22h)"),
                  number_option("--keys", "N", "number of values (default 5000)", 1, 1'000'000),
                  number_option("--gets", "N", "number of gets, by nodes that never handled the key (default 100000)",
                                1, 100'000'000),
                  seed_option("seed of all random choices (default 1)")},
      .run = simulating(run_churn)};
}

}  // namespace troupe::apps::sim_command
