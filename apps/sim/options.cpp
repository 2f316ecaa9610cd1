#include "apps/sim/options.hpp"

#include <algorithm>
#include <fstream>
#include <limits>

#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_file.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/trace.hpp"
#include "apps/sim/trial.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::uint64_t kWorldsMax = 100'000'000;  // takes weeks
constexpr std::size_t kShownBytesMax = 80;

bool is_file(const std::string& named) { return named.ends_with(".toml") || named.find('/') != std::string::npos; }

std::optional<Failure> unknown(const std::string& name, sim::WorkloadSpecs workloads) {
  if (sim::find(workloads, name) != nullptr) return std::nullopt;
  if (is_file(name))
    return usage_failure("a scenario file needs the command `sim run`", "troupe sim run " + file_words(name));
  if (name.empty()) return usage_failure("a domain is missing before or after a comma", "troupe sim list");
  std::vector<std::string_view> known;
  for (const sim::WorkloadSpec* one : workloads) known.push_back(one->name);
  const auto near = base::nearest(name, known);
  std::string what = "there is no domain \"" + base::shortened(name, kShownBytesMax) + "\"; ";
  what += near.empty() ? "there are " + joined(known) : "did you mean \"" + std::string(near) + "\"?";
  return usage_failure(std::move(what), "troupe sim list");
}

Failure unwritten_trace(const std::string& path, std::string outcome) {
  return {{base::Code::internal, path + " cannot be written"}, std::move(outcome), "", Exit::failed};
}

}  // namespace

Option seed_option(std::string help) {
  return number_option("--seed", "S", std::move(help), 0, std::numeric_limits<std::uint64_t>::max());
}

std::vector<Option> seed_options() {
  return {
      seed_option("seed of the world, or of the first world (default 1)"),
      number_option("--nodes", "N", "number of nodes in each world (default random, 3 to 7)", 1, sim::kNodesMax),
      {.name = "--time", .value = "T", .help = "virtual time in which clients work and faults happen (default 60s)"},
      {.name = "--calm", .help = "inject no faults"},
      {.name = "--storm", .help = "inject every kind of fault, often"},
      {.name = "--beyond", .help = "also inject faults that no protocol promises to survive"}};
}

std::vector<Option> world_options() {
  auto all = seed_options();
  all.push_back(number_option("--seeds", "N", "number of worlds, with consecutive seeds (default 1)", 1, kWorldsMax));
  all.push_back(jobs_option("number of worlds that run at once (default 1)"));
  return all;
}

base::Result<Worlds, Failure> worlds_of(const Invocation& invocation, sim::WorkloadSpecs workloads) {
  const std::string help = "troupe help " + invocation.command().name;
  Worlds out;
  out.draw.workloads = workloads;
  const std::string list = invocation.all(invocation.command().positionals.front().name).front();
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    std::string name = list.substr(from, comma - from);
    if (auto failure = unknown(name, workloads)) return std::move(*failure);
    if (std::find(out.draw.domains.begin(), out.draw.domains.end(), name) != out.draw.domains.end())
      return usage_failure("\"" + name + "\" is named twice", help);
    out.draw.domains.push_back(std::move(name));
    from = comma + 1;
  }
  out.seed = invocation.number("--seed").value_or(1);
  if (const auto nodes = invocation.number("--nodes")) out.draw.nodes = static_cast<std::uint16_t>(*nodes);
  if (const auto text = invocation.text("--time")) {
    const auto time = config::parse_duration(*text);
    if (!time || *time <= base::Duration::zero() || *time > sim::kWorldTimeMax)
      return usage_failure("--time must be above 0 and at most a year, such as 90s", help);
    out.draw.time = *time;
  }
  if (invocation.has("--calm") && invocation.has("--storm"))
    return usage_failure("--calm and --storm exclude each other: give one of them", help);
  if (invocation.has("--calm")) out.draw.weather = Weather::calm;
  if (invocation.has("--storm")) out.draw.weather = Weather::storm;
  out.draw.beyond = invocation.has("--beyond");
  const auto takes = [&](std::string_view name) {
    const auto& options = invocation.command().options;
    return std::any_of(options.begin(), options.end(), [&](const Option& one) { return one.name == name; });
  };
  if (takes("--seeds")) out.seeds = invocation.number("--seeds").value_or(1);
  if (takes("--jobs")) out.jobs = jobs_of(invocation);
  if (out.seeds - 1 > std::numeric_limits<std::uint64_t>::max() - out.seed)
    return usage_failure("the last seed would exceed 64 bits", help);
  return out;
}

std::string file_words(const std::string& path) {
  if (path == "-") return "";
  return shell_word(is_file(path) && !path.starts_with('-') ? path : "./" + path);
}

base::Result<OneWorld, Failure> world_of(const Invocation& invocation, sim::WorkloadSpecs workloads) {
  const std::string named = invocation.all(invocation.command().positionals.front().name).front();
  if (is_file(named)) {
    for (const Option& option : seed_options())
      if (invocation.has(option.name))
        return usage_failure(
            option.name + " works only for a world drawn from a seed: a scenario file already defines its world",
            "troupe help " + invocation.command().name);
    auto scenario = load_scenario(named, workloads);
    if (!scenario.ok()) return scenario.error();
    return OneWorld{std::move(scenario).value(), "run " + file_words(named), file_words(named)};
  }
  const auto worlds = worlds_of(invocation, workloads);
  if (!worlds.ok()) return worlds.error();
  const std::string words = world_words(worlds.value().draw, worlds.value().seed);
  return OneWorld{draw(worlds.value().seed, worlds.value().draw), words, words};
}

std::vector<Option> watch_options() {
  return {{.name = "--twice", .help = "run each world twice, and stop at the first event that differs"},
          {.name = "--trace", .value = "FILE", .help = "write each decision of the scheduler to FILE"}};
}

Failure parted(const Outcome& outcome) {
  return {{base::Code::internal, "seed " + std::to_string(outcome.seed) + " is not deterministic: " + outcome.why},
          "the results of a seed are not reliable",
          "",
          Exit::not_deterministic};
}

base::Result<Outcome, Failure> watched(const Invocation& invocation, const sim::Scenario& scenario,
                                       sim::WorkloadSpecs workloads) {
  if (invocation.has("--twice")) {
    if (invocation.has("--trace"))
      return usage_failure("--trace records one run: do not combine it with --twice",
                           "troupe help " + invocation.command().name);
    Outcome outcome = told(run_twice(scenario, workloads));
    if (outcome.invariant == kSameTwice) return parted(outcome);
    return outcome;
  }
  Trial trial(scenario, workloads);
  const auto path = invocation.text("--trace");
  if (!path) return trial.run();
  std::ofstream out(*path, std::ios::binary | std::ios::trunc);
  if (!out) return unwritten_trace(*path, "nothing was run");
  TraceWriter trace(out, trial.world().stage(), write_scenario(scenario, workloads, "the world of this trace"));
  trial.world().stage().record(&trace);
  Outcome outcome = trial.run();
  trial.world().stage().record(nullptr);
  trace.finish();
  if (!out) return unwritten_trace(*path, "the trace is incomplete");
  return outcome;
}

Exit exit_of(const Outcome& outcome) {
  if (outcome.broken()) return Exit::failed;
  return outcome.held() && outcome.acknowledged > 0 ? Exit::done : Exit::nothing_checked;
}

Option jobs_option(std::string help) { return number_option("--jobs", "N", std::move(help), 1, kJobsMax); }

unsigned jobs_of(const Invocation& invocation) {
  return static_cast<unsigned>(invocation.number("--jobs").value_or(1));
}

Run simulating(Run work) {
  return [work = std::move(work)](const Invocation& invocation, Console& console) -> Ending {
    try {
      Ending ending = work(invocation, console);
      // Exit 1 only says that an invariant did not hold.
      if (ending.ok() || exit_of(ending.error(), Effect::read) != Exit::failed) return ending;
      Failure failure = ending.error();
      failure.exit = Exit::simulator_failed;
      return failure;
    } catch (const std::exception& mistake) {
      return Failure{{base::Code::internal, std::string("the simulator itself failed: ") + mistake.what()},
                     "its results say nothing about nodes",
                     "",
                     Exit::simulator_failed};
    }
  };
}

Run simulating(Ending (*work)(const Invocation&, Console&, sim::WorkloadSpecs), sim::WorkloadSpecs workloads) {
  return simulating([work, workloads](const Invocation& invocation, Console& console) {
    return work(invocation, console, workloads);
  });
}

}  // namespace troupe::apps::sim_command
