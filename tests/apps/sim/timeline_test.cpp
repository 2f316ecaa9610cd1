// Time: a world that is moved in shows what a fresh run of it shows at the same event, and finds what changed when.
#include "apps/sim/timeline.hpp"

#include <capnp/serialize.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/host/domains.hpp"
#include "apps/sim/capture.hpp"
#include "apps/sim/draw.hpp"
#include "apps/sim/instant.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_file.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/steer.hpp"
#include "apps/sim/trace.hpp"
#include "apps/sim/trial.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

constexpr std::size_t kLine = 64 * 1024;

sim::Scenario small_world(std::uint64_t seed) {
  DrawOptions options;
  options.workloads = all_workloads();
  options.domains = {"dht"};
  options.nodes = 3;
  options.time = std::chrono::seconds(20);
  return draw(seed, options);
}

template <class T>
T value(base::Result<T, Failure> got) {
  REQUIRE_MESSAGE(got.ok(), (got.ok() ? "" : got.error().error.message));
  return std::move(got).value();
}

/// Paths and counts of handled messages of all actors of all nodes.
using Counts = std::map<std::string, std::uint64_t>;

Counts counts_of(Timeline& timeline) {
  Counts out;
  std::size_t node = 0;
  for (const Timeline::Seen& seen : value(timeline.look())) {
    std::vector<capnp::word> words(seen.actors.size() / sizeof(capnp::word));
    std::memcpy(words.data(), seen.actors.data(), words.size() * sizeof(capnp::word));
    capnp::FlatArrayMessageReader reader({words.data(), words.size()});
    for (const auto row : reader.getRoot<inspect::wire::ActorRows>().getActors())
      out[node_name(node) + ' ' + row.getPath().cStr()] = row.getHandled();
    ++node;
  }
  return out;
}

/// The same of a fresh run that is stopped there; and the state of one actor.
Counts fresh_counts(const sim::Scenario& scenario, std::uint64_t event, std::string* state = nullptr) {
  Trial trial(scenario, all_workloads());
  trial.world().stage().stop_at(event);
  trial.run();
  Counts out;
  World& world = trial.world();
  for (std::size_t node = 0; node < world.size(); ++node)
    if (world.machine(node).up())
      world.machine(node).node().registry().walk([&](const runtime::Listing& one) {
        out[node_name(node) + ' ' + one.path] = one.record->done();
        return true;
      });
  if (state != nullptr) *state = state_line(world, 0, "/dht", kLine).value_or("-");
  return out;
}

/// The descendant of this process that was forked last.
pid_t youngest() {
  std::map<pid_t, pid_t> parents;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t process = std::atoi(entry.path().filename().c_str());
    std::ifstream stat(entry.path() / "stat");
    std::string line;
    if (process <= 0 || !std::getline(stat, line)) continue;
    const auto end = line.rfind(')');
    if (end != std::string::npos && line.size() > end + 4 && line[end + 2] != 'Z')
      parents[process] = std::atoi(line.c_str() + end + 4);
  }
  for (auto one = parents.rbegin(); one != parents.rend(); ++one) {
    pid_t above = one->first;
    while (parents.contains(above) && above != ::getpid()) above = parents[above];
    if (above == ::getpid() && one->first != above) return one->first;
  }
  FAIL("this process has no descendant");
  return 0;
}

std::string trace_of(const sim::Scenario& scenario) {
  std::ostringstream out;
  Trial trial(scenario, all_workloads());
  TraceWriter writer(out, trial.world().stage(), write_scenario(scenario, all_workloads(), ""));
  trial.world().stage().record(&writer);
  trial.run();
  trial.world().stage().record(nullptr);
  writer.finish();
  return out.str();
}

}  // namespace

TEST_CASE("timeline: each instant is that of a fresh run, in whatever order it is gone to") {
  const sim::Scenario scenario = small_world(5);
  auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
  const FirstRun run = value(timeline.finish());
  REQUIRE(run.events > 500);
  CHECK(run.verdict == "held");
  CHECK(run.departed.empty());
  for (const std::uint64_t event : {run.events, run.events / 2, run.events / 2 + 1, std::uint64_t{1}, run.events / 3,
                                    run.events - 1, std::uint64_t{0}}) {
    const Instant there = value(timeline.go(event));
    CHECK(there.event == event);
    CHECK(counts_of(timeline) == fresh_counts(scenario, event));
  }
  CHECK(value(timeline.go(run.events + 1'000)).event == run.events);
}

TEST_CASE("timeline: steps back, and from there on again, are those of a fresh run, however many") {
  const sim::Scenario scenario = small_world(9);
  auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
  std::uint64_t event = value(timeline.finish()).events / 2;
  value(timeline.go(event));
  for (int step = 0; step < 70; ++step) CHECK(value(timeline.go(--event)).event == event);
  CHECK(counts_of(timeline) == fresh_counts(scenario, event));
  for (int step = 0; step < 3; ++step) CHECK(value(timeline.go(++event)).event == event);
  CHECK(value(timeline.go(event -= 3)).event == event);
  CHECK(counts_of(timeline) == fresh_counts(scenario, event));
  const Instant there = value(timeline.go_to(value(timeline.finish()).time / 3));
  CHECK(value(timeline.go(there.event - 1)).time <= there.time);
  CHECK(counts_of(timeline) == fresh_counts(scenario, there.event - 1));
}

TEST_CASE("timeline: the first run ends as `sim` does, with the same hash") {
  const sim::Scenario scenario = small_world(10);
  auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
  const Outcome watched = value(timeline.finish()).outcome;
  const Outcome plain = Trial(scenario, all_workloads()).run();
  CHECK(hash_text(watched.hash) == hash_text(plain.hash));
  CHECK(watched.events == plain.events);
  CHECK(watched.acknowledged == plain.acknowledged);
}

TEST_CASE("timeline: a message from another node is followed to the actor that sent it there") {
  auto timeline = value(Timeline::open({.scenario = small_world(14)}, all_workloads()));
  std::uint64_t event = value(timeline.finish()).events;
  int followed = 0;
  for (int tried = 0; tried < 400 && followed < 3 && event > 1; ++tried) {
    const Instant here = value(timeline.go(--event));
    const auto from = here.what.rfind(" from n");
    if (from == std::string::npos || here.what.find(' ', from + 6) != std::string::npos) continue;
    const std::string node = here.what.substr(from + 6);
    const auto sent = value(timeline.sent_before(std::stoul(node.substr(1)) - 1));
    INFO(here.what);
    REQUIRE(sent.has_value());
    CHECK(sent->event < here.event);
    CHECK(sent->time < here.time);
    CHECK_MESSAGE(sent->what.starts_with(node + " /"), sent->what);
    CHECK(timeline.here().event == sent->event);
    event = sent->event;
    ++followed;
  }
  CHECK(followed == 3);
}

TEST_CASE(
    "timeline: a link that is cut by hand changes the future alone, is named, and is replayed from its scenario") {
  const sim::Scenario before = small_world(11);
  sim::Scenario scenario = before;
  std::uint64_t event = 0;
  base::Duration at{0};
  {
    auto timeline = value(Timeline::open({.scenario = before}, all_workloads()));
    const Instant there = value(timeline.go(value(timeline.finish()).events / 3));
    event = there.event;
    at = there.time;
  }
  REQUIRE(steer(scenario, "cut n1 n2", at).ok());
  CHECK(scenario.faults.size() == before.faults.size() + 2);
  Outcome steered;
  {
    auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
    steered = value(timeline.finish()).outcome;
    CHECK(value(timeline.go(event)).event == event);
    CHECK(counts_of(timeline) == fresh_counts(before, event));
  }
  CHECK(steered.steered == 2);
  CHECK(steered.hash != Trial(before, all_workloads()).run().hash);
  const auto read = read_scenario(write_scenario(scenario, all_workloads(), ""), all_workloads(), settings_table());
  REQUIRE(read.ok());
  CHECK(read.value() == scenario);
  CHECK(Trial(read.value(), all_workloads()).run().hash == steered.hash);
  std::ostringstream report;
  print_world(report, scenario, steered, "");
  CHECK(report.str().find("steered: cut n1 n2 for ") != std::string::npos);
  CHECK(report.str().find(", by hand, at ") != std::string::npos);

  SUBCASE("healing ends it at that instant") {
    const auto cut = [&] {
      std::vector<sim::Fault> out;
      for (const sim::Fault& fault : scenario.faults)
        if (fault.by_hand) out.push_back(fault);
      return out;
    };
    CHECK_FALSE(steer(scenario, "heal n1 n3", at + std::chrono::seconds(1)).ok());
    REQUIRE(steer(scenario, "heal n2 n1", at + std::chrono::seconds(1)).ok());
    CHECK(cut().size() == 2);
    for (const sim::Fault& fault : cut()) CHECK(fault.span == std::chrono::seconds(1));
    CHECK_FALSE(steer(scenario, "heal n1 n2", at + std::chrono::seconds(2)).ok());
  }
  SUBCASE("what cannot be is refused, and changes nothing") {
    const sim::Scenario kept = scenario;
    for (const char* act : {"", "cut", "cut n1", "cut n1 n1", "cut n1 n4", "cut n0 n1", "cut n1 n2 0s",
                            "cut n1 n2 soon", "cut n1 n2 5s 5s", "heal n1 n2 5s", "kill n1 n2"})
      CHECK_FALSE(steer(scenario, act, at).ok());
    CHECK_FALSE(steer(scenario, "cut n1 n2", scenario.time).ok());
    CHECK(scenario == kept);
  }
}

TEST_CASE("timeline: a capture is run up to its event, and shows what its actor handles from there on") {
  const sim::Scenario scenario = small_world(12);
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/here.capture";
  Capture capture{scenario, "0.1.0", 0, 0, 1, "/dht"};
  {
    auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
    const Instant there = value(timeline.go(value(timeline.finish()).events / 2));
    capture.event = there.event;
    capture.hash = there.hash;
  }
  const std::string text = write_capture(capture, all_workloads());
  const auto parsed = parse_capture(text, all_workloads(), settings_table());
  REQUIRE(parsed.ok());
  CHECK(parsed.value() == capture);
  CHECK(value(value(Timeline::open(capture.recorded(), all_workloads())).finish()).departed.empty());
  std::ofstream(file) << text;
  CHECK(load_scenario(file, all_workloads()).ok());

  SUBCASE("as many messages as are asked for, each with its state") {
    const auto ran = troupe_with({"sim", "replay", file, "--messages", "3"});
    CHECK(ran.exit == Exit::done);
    CHECK(ran.out.find("capture: event " + std::to_string(capture.event)) == 0);
    CHECK(ran.out.find("  state    ") != std::string::npos);
    std::size_t messages = 0;
    for (auto at = ran.out.find("\n#"); at != std::string::npos; at = ran.out.find("\n#", at + 1)) ++messages;
    CHECK(messages == 3);
    CHECK(ran.out.find("#" + std::to_string(capture.event) + " ") == std::string::npos);
  }
  SUBCASE("a program that departs from it says so") {
    capture.hash ^= 1;
    std::ofstream(file) << write_capture(capture, all_workloads());
    const auto ran = troupe_with({"sim", "replay", file});
    CHECK(ran.exit == Exit::simulator_failed);
    CHECK(ran.err.find("differs from the capture before event") != std::string::npos);
    CHECK(value(value(Timeline::open(capture.recorded(), all_workloads())).finish()).departed.size() == 1);
  }
  SUBCASE("what is none is refused, and never a crash") {
    std::ofstream(file) << R"({"node":null})";
    CHECK(troupe_with({"sim", "replay", file}).err.find("data of a live node in JSON") != std::string::npos);
    const config::Table settings = settings_table();
    for (std::size_t cut = 0; cut < 160; ++cut) {  // its head, and a part of the scenario
      (void)parse_capture(text.substr(0, cut), all_workloads(), settings);
      std::string changed = text;
      changed[cut] = '\n';
      (void)parse_capture(changed, all_workloads(), settings);
    }
    CHECK_FALSE(parse_capture("", all_workloads(), settings_table()).ok());
    capture.node = 3;
    CHECK_FALSE(parse_capture(write_capture(capture, all_workloads()), all_workloads(), settings_table()).ok());
    CHECK(troupe_with({"sim", "replay", file, "--until", "7"}).exit == Exit::usage);
    CHECK(troupe_with({"sim", "replay", "dht", "--trap"}).exit == Exit::usage);
  }
}

TEST_CASE("timeline: an answer that is given up costs its checkpoint alone, and so does a process that is killed") {
  const sim::Scenario scenario = small_world(13);
  auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
  const std::uint64_t events = value(timeline.finish()).events;
  const auto right_at = [&](std::uint64_t event) {
    REQUIRE(value(timeline.go(event)).event == event);
    CHECK(counts_of(timeline) == fresh_counts(scenario, event));
  };
  SUBCASE("given up") {
    value(timeline.go(events / 2));
    value(timeline.go(events / 2 - 1));  // from a checkpoint that was left there: its process is the youngest
    const pid_t silent = youngest();
    REQUIRE(::kill(silent, SIGSTOP) == 0);
    int asked = 0;
    timeline.given_up = [&] { return ++asked == 2; };
    CHECK_FALSE(timeline.look().ok());
    CHECK(asked == 2);
    timeline.given_up = nullptr;
    right_at(events / 2 - 1);
    right_at(events / 2 - 2);
    ::kill(silent, SIGKILL);
  }
  SUBCASE("the checkpoint at the end is killed") {
    REQUIRE(::kill(youngest(), SIGKILL) == 0);
    if (!timeline.go(events).ok()) right_at(events);
    right_at(events - 1);
    right_at(events / 3);
  }
  SUBCASE("a checkpoint near the instant is killed") {
    value(timeline.go(events / 2));
    REQUIRE(::kill(youngest(), SIGKILL) == 0);
    CHECK_FALSE(timeline.go(events / 2 - 1).ok());
    right_at(events / 2 - 1);
  }
  SUBCASE("the process of the instant is killed") {
    value(timeline.go(events / 2));
    value(timeline.go(events / 2 - 1));
    REQUIRE(::kill(youngest(), SIGKILL) == 0);
    CHECK_FALSE(timeline.look().ok());
    right_at(events / 2);
  }
}

TEST_CASE("timeline: the last and the next change of a state are those that a walk over all events finds") {
  const sim::Scenario scenario = small_world(6);
  auto timeline = value(Timeline::open({.scenario = scenario}, all_workloads()));
  const FirstRun run = value(timeline.finish());
  const std::uint64_t from = run.events / 2;
  value(timeline.go(from));
  const auto back = value(timeline.change(0, "/dht", Timeline::Way::back));
  REQUIRE(back.has_value());
  CHECK(back->event < from);
  std::string before, at, later;
  fresh_counts(scenario, back->event - 1, &before);
  fresh_counts(scenario, back->event, &at);
  fresh_counts(scenario, from - 1, &later);
  CHECK(before != at);
  CHECK(at == later);
  CHECK(timeline.here().event == back->event);

  const auto next = value(timeline.change(0, "/dht", Timeline::Way::forward));
  REQUIRE(next.has_value());
  CHECK(next->event >= from);
  fresh_counts(scenario, next->event - 1, &before);
  fresh_counts(scenario, next->event, &later);
  CHECK(before == at);
  CHECK(later != at);

  value(timeline.go(0));
  CHECK_FALSE(value(timeline.change(0, "/dht", Timeline::Way::back)).has_value());
  CHECK_FALSE(timeline.look_at(0, "/nowhere").ok());
}

TEST_CASE("timeline: a time is found, and is the first event not before it") {
  auto timeline = value(Timeline::open({.scenario = small_world(7)}, all_workloads()));
  const FirstRun run = value(timeline.finish());
  const Instant there = value(timeline.go_to(run.time / 2));
  CHECK(there.time >= run.time / 2);
  const Instant one_before = value(timeline.go(there.event - 1));
  CHECK(one_before.time <= there.time);
}

TEST_CASE("timeline: a trace is read back and followed, and one of another revision says where it departs") {
  const sim::Scenario scenario = small_world(8);
  const std::string bytes = trace_of(scenario);
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/run.trace";
  const auto write = [&](const std::string& what) { std::ofstream(file, std::ios::binary) << what; };
  write(bytes);
  Recorded recorded = value(read_trace(file, all_workloads()));
  REQUIRE(recorded.snapshots.size() >= 2);
  CHECK(recorded.scenario.seed == scenario.seed);
  {
    auto timeline = value(Timeline::open(recorded, all_workloads()));
    CHECK(value(timeline.finish()).departed.empty());
  }
  recorded.snapshots.back().hash ^= 1;
  {
    auto timeline = value(Timeline::open(recorded, all_workloads()));
    const FirstRun run = value(timeline.finish());
    REQUIRE(run.departed.size() == 1);
    CHECK(run.departed.front().find(std::to_string(recorded.snapshots.back().event)) != std::string::npos);
  }
  SUBCASE("cut off anywhere, and with any byte changed, it is an error or a trace, never a crash") {
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 97) {
      write(bytes.substr(0, cut));
      (void)read_trace(file, all_workloads());
      std::string changed = bytes;
      changed[cut] = static_cast<char>(changed[cut] ^ 0x5a);
      write(changed);
      (void)read_trace(file, all_workloads());
    }
  }
  SUBCASE("what is none is refused with what would be one") {
    write("seed = 1\n");
    const auto none = read_trace(file, all_workloads());
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().error.message.find("is not a trace") != std::string::npos);
    CHECK_FALSE(read_trace(file + ".gone", all_workloads()).ok());
  }
}
