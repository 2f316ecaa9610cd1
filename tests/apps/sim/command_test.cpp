// The commands `troupe sim ...`: what they say, how they end, and what they refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "apps/sim/draw.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/trace.hpp"
#include "apps/sim/trial.hpp"
#include "apps/sim/workloads.hpp"
#include "runtime/base/ensure.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

constexpr const char* kQuiet =
    "seed = 7\ndomains = [\"peers\"]\nnodes = 3\ntime = \"5s\"\n"
    "operation = [ { at = \"3s\", node = \"n1\", what = \"peers.list\" } ]\n";

std::string last_line(const std::string& out) {
  REQUIRE(out.ends_with('\n'));
  const auto before = out.rfind('\n', out.size() - 2);
  return out.substr(before == out.npos ? 0 : before + 1);
}

using test::contains;

TEST_CASE("sim command: with --json the last line is the summary, of one world too") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"sim", "peers", "--calm", "--nodes", "3", "--time", "20s", "--json"},
        {"sim", "run", path, "--json"},
        {"sim", "replay", path, "--json"}}) {
    const Seen seen = troupe_with(words);
    CHECK(seen.exit == Exit::done);
    CHECK(seen.out.starts_with("{\"domain\":\"peers\",\"seed\":"));
    CHECK(last_line(seen.out).starts_with("{\"summary\":true,\"worlds\":1,\"broken\":0,"));
  }
}

TEST_CASE("sim command: a replay that is stopped before the end claims no verdict") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  const Seen words = troupe_with({"sim", "replay", path, "--until", "50"});
  CHECK(words.exit == Exit::nothing_checked);
  CHECK(contains(words.out, "verdict: none: stopped at event 50\n"));
  CHECK_FALSE(contains(words.out, "held"));
  const Seen json = troupe_with({"sim", "replay", path, "--until", "50", "--json"});
  CHECK(json.exit == Exit::nothing_checked);
  CHECK(contains(json.out, "\"held\":false,\"invariant\":null,"));
  CHECK(contains(json.out, "\"stopped\":true"));
  const Seen whole = troupe_with({"sim", "replay", path});
  CHECK(whole.exit == Exit::done);
  CHECK(contains(whole.out, "verdict: everything held\n"));
}

TEST_CASE("sim command: the command that a report prints shows the failure again") {
  const auto printed = [](const Outcome& outcome) {
    std::ostringstream out;
    print_world(out, {}, outcome, "x.toml");
    return out.str();
  };
  Outcome broken{.invariant = "kept", .event = 700};
  CHECK(contains(printed(broken), "where:   event 700, "));
  CHECK(contains(printed(broken), "troupe sim replay x.toml --until 700\n"));
  broken.between_events = true;
  CHECK(contains(printed(broken), "where:   after event 700, "));
  CHECK(contains(printed(broken), "troupe sim replay x.toml\n"));
}

TEST_CASE("sim command: a scenario is named so that every command takes it for a file") {
  using sim_command::file_words;
  CHECK(file_words("x.toml") == "x.toml");
  CHECK(file_words("a/churn") == "a/churn");
  CHECK(file_words("churn") == "./churn");
  CHECK(file_words("-x.toml") == "./-x.toml");
  CHECK(file_words("a b.toml") == "'a b.toml'");
  CHECK(file_words("-") == "");
}

TEST_CASE("sim command: a scenario says itself what options of drawn worlds would") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  for (const char* command : {"replay", "shrink"}) {
    for (const std::vector<std::string>& options : {std::vector<std::string>{"--seed", "99"},
                                                    {"--storm"},
                                                    {"--calm"},
                                                    {"--beyond"},
                                                    {"--nodes", "3"},
                                                    {"--time", "5s"}}) {
      std::vector<std::string> words{"sim", command, path};
      words.insert(words.end(), options.begin(), options.end());
      const Seen seen = troupe_with(words);
      CHECK(seen.exit == Exit::usage);
      CHECK(contains(seen.err, options.front() + " works only for a world drawn from a seed"));
    }
  }
}

TEST_CASE("sim command: the last seed of 64 bits is a world, one more is refused") {
  const std::string last = "18446744073709551615";
  const std::vector<std::string> short_world{"--nodes", "3", "--time", "1s", "--calm", "--json"};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), short_world.begin(), short_world.end());
    return troupe_with(words);
  };
  CHECK(contains(run({"sim", "peers", "--seed", last}).out, "\"seed\":" + last + ','));
  CHECK(
      contains(run({"sim", "peers", "--seed", "18446744073709551614", "--seeds", "2"}).out, "\"seed\":" + last + ','));
  CHECK(run({"sim", "peers", "--seed", last, "--seeds", "2"}).exit == Exit::usage);
}

TEST_CASE("sim command: a mistake of the simulator itself is exit 12") {
  const Command command{.name = "x", .summary = "y"};
  const Commands table;
  const Invocation invocation(command, table, {}, {});
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in, false, false, nullptr, {}};
  const Ending ending = sim_command::simulating([](const Invocation&, Console&) -> Ending {
    base::ensure(false, "an operation ends once");
    return Exit::done;
  })(invocation, console);
  REQUIRE_FALSE(ending.ok());
  CHECK(exit_of(ending.error(), Effect::read) == Exit::simulator_failed);
  CHECK(contains(ending.error().error.message, "an operation ends once"));
}

TEST_CASE("sim command: what cannot be written is said before anything runs") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  const std::string nowhere = folder.path() + "/no-such-folder/out";
  // It holds: had it run first, that would be what is said.
  const Seen shrunk = troupe_with({"sim", "shrink", path, "-o", nowhere});
  CHECK(contains(shrunk.err, nowhere));
  CHECK_FALSE(contains(shrunk.err, "nothing to shrink"));
  const Seen traced = troupe_with({"sim", "run", path, "--trace", nowhere});
  CHECK(traced.exit == Exit::simulator_failed);
  CHECK(contains(traced.err, "nothing was run"));
  const Seen held = troupe_with({"sim", "shrink", path, "-o", folder.path() + "/out"});
  CHECK(contains(held.err, "nothing to shrink"));
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/out"));
}

TEST_CASE("sim command: a trace never replaces its own scenario") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  std::filesystem::create_symlink(path, folder.path() + "/link");
  for (const std::string& trace : {path, folder.path() + "/./quiet.toml", folder.path() + "/link"})
    CHECK(troupe_with({"sim", "run", path, "--trace", trace}).exit == Exit::usage);
  CHECK(load_scenario(path).ok());
  CHECK(troupe_with({"sim", "run", path, "--trace", folder.path() + "/trace"}).exit == Exit::done);
}

TEST_CASE("sim command: a batch by --twice runs in processes of its own, and says of the first that parts where") {
  const Seen seen = troupe_with(
      {"sim", "peers", "--twice", "--seeds", "3", "--jobs", "2", "--nodes", "3", "--time", "60s", "--json", "--calm"});
  CHECK(seen.exit == Exit::done);
  CHECK(last_line(seen.out).starts_with("{\"summary\":true,\"worlds\":3,"));
  const Outcome parted = told({.outcome = {.seed = 9}, .parted = Parted{17, "a", "b"}});
  CHECK(parted.invariant == kSameTwice);
  CHECK(sim_command::parted(parted).exit == Exit::not_deterministic);
  CHECK(sim_command::parted(parted).error.message ==
        "seed 9 is not deterministic: at event 17 one run had \"a\", another \"b\"");
  CHECK(told({.outcome = {.seed = 9}, .parted = {}}).held());
}

TEST_CASE("sim report: failures of one invariant are told apart by what they say") {
  Summary summary({.domains = {"peers"}});
  for (const auto& [seed, why] : {std::pair{1, "n1 /files: a claim ends once"},
                                  {2, "n2 /files: a claim ends once"},
                                  {3, "n2 /files: rows are sorted"}}) {
    Outcome outcome{.seed = static_cast<std::uint64_t>(seed), .invariant = "sim.actor-breaks"};
    outcome.why = why;
    summary.add(outcome);
  }
  std::ostringstream out;
  summary.print(out);
  CHECK(contains(out.str(), "sim.actor-breaks in 2 worlds, seeds 1 2\n"));
  CHECK(contains(out.str(), "sim.actor-breaks in 1 worlds, seeds 3\n"));
}

TEST_CASE("sim report: of many ways to fail the largest are told") {
  Summary summary({.domains = {"peers"}});
  const auto fail = [&](std::size_t way) {
    summary.add({.invariant = "kept", .why = "way " + std::string(1 + way, 'x')});
  };
  for (std::size_t way = 0; way < kGroupsTold + 2; ++way) fail(way);
  fail(kGroupsTold + 1);
  std::ostringstream out, json;
  summary.print(out);
  CHECK(contains(out.str(), "broken:  in 2 more ways\n"));
  CHECK(contains(out.str(), "kept in 2 worlds"));
  summary.print_json(json);
  CHECK(contains(json.str(), "\"broken\":23,"));
}

TEST_CASE("sim report: a batch is asked for what its weather can reach alone") {
  const auto never = [](DrawOptions options) {
    Summary summary(std::move(options));
    for (std::uint64_t i = 0; i < kWorldsJudged; ++i) summary.add({});
    return summary.never_reached();
  };
  std::vector<std::string> all, calm;
  for (const sim::WorkloadSpec* spec : {&world_spec(), sim::find(all_workloads(), "files")}) {
    for (const sim::Named& one : spec->sometimes) {
      all.emplace_back(one.name);
      if (one.calm) calm.emplace_back(one.name);
    }
  }
  CHECK(never({.domains = {"files"}}) == all);
  CHECK(never({.domains = {"files"}, .weather = Weather::calm}) == calm);
  CHECK(calm.size() < all.size());

  const auto asks_for = [&](const DrawOptions& options, const std::string& fault) {
    return std::ranges::count(never(options), "fault " + fault) == 1;
  };
  const DrawOptions storm{.domains = {"files"}, .weather = Weather::storm};
  CHECK(asks_for(storm, "partition"));
  CHECK(asks_for(storm, "kill"));
  CHECK_FALSE(asks_for(storm, "disk-lie"));
  const DrawOptions alone{.domains = {"files"}, .weather = Weather::storm, .nodes = 1};
  CHECK_FALSE(asks_for(alone, "partition"));
  CHECK(asks_for(alone, "kill"));
}

TEST_CASE("sim draw: a world of a year has no more faults and operations than a file may") {
  for (const Weather weather : {Weather::storm, Weather::swarm}) {
    for (const base::Duration time : {base::Duration(24h), base::Duration(sim::kWorldTimeMax)}) {
      const sim::Scenario world =
          draw(3, {.domains = {"peers", "files"}, .weather = weather, .beyond = true, .nodes = 3, .time = time});
      CHECK(world.faults.size() <= sim::kFaultsMax);
      CHECK(world.operations.size() <= sim::kOperationsMax);
      CHECK(world.faults.size() > 1'000);
      CHECK(world.faults.back().at > time / 2);
    }
  }
}

TEST_CASE("sim command: an option of the group before its commands is no option of theirs") {
  const TemporaryFolder folder;
  const std::string path = folder.write("quiet.toml", kQuiet);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"sim", "run", path, "--seed", "5"},
                                                {"sim", "--seed", "5", "run", path},
                                                {"sim", "replay", "--trace", "x", "peers"},
                                                {"sim", "list", "--seed", "3"}}) {
    CAPTURE(words[1]);
    const Seen seen = troupe_with(words);
    CHECK(seen.exit == Exit::usage);
    CHECK(contains(seen.err, "unknown option"));
  }
}

TEST_CASE("sim command: a world in which nothing was acknowledged has no verdict") {
  const Seen one = troupe_with({"sim", "peers", "--calm", "--nodes", "2", "--time", "1ms"});
  CHECK(one.exit == Exit::nothing_checked);
  CHECK(contains(one.out, "verdict: none: nothing was checked"));
  const Seen many = troupe_with({"sim", "peers", "--calm", "--nodes", "2", "--time", "1ms", "--seeds", "2"});
  CHECK(many.exit == Exit::nothing_checked);
  CHECK(contains(many.out, "verdict: none: nothing was checked"));
}

TEST_CASE("sim command: what cannot be run or written never looks like a broken world") {
  const TemporaryFolder folder;
  CHECK(troupe_with({"sim", "run", folder.path()}).exit == Exit::usage);
  CHECK(troupe_with({"sim", "peers", "--time", "1s", "--trace", "/nonexistent/x"}).exit == Exit::simulator_failed);
  const Seen trace = troupe_with({"sim", "run", folder.write("x.toml", std::string(kTraceMagic) + "...")});
  CHECK(trace.exit == Exit::usage);
  CHECK(contains(trace.err, "is the trace of a run"));
  CHECK(contains(troupe_with({"sim", "x/y.toml"}).err, "troupe sim run x/y.toml"));
}

}  // namespace
}  // namespace troupe::apps
