// troupe sim replay DOMAIN[,...]|FILE
#include <signal.h>

#include "apps/cli/terminal.hpp"
#include "apps/sim/capture.hpp"
#include "apps/sim/instant.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/trial.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::size_t kLineBytesMax = 4'096;  // our choice: a message or a state, as one line

/// Prints the messages that one actor handles from an event on.
class OneActor final : public sim::Recorder {
 public:
  OneActor(World& world, const Capture& capture, std::uint64_t messages, bool traps, std::ostream& out)
      : world_(world), capture_(capture), left_(messages), traps_(traps), out_(out) {
    world_.keep_names();
    world_.tell_taken([this](const Taken& what, const runtime::Envelope& envelope) { take(what, envelope); });
    world_.stage().record(this);
  }
  ~OneActor() override {
    world_.stage().record(nullptr);
    world_.tell_taken(nullptr);
  }
  OneActor(const OneActor&) = delete;
  OneActor& operator=(const OneActor&) = delete;

  /// Whether this program was in the same state at that event as the program that wrote the capture.
  bool same() const { return same_; }
  bool reached() const { return reached_; }

  void event(std::uint64_t number, sim::ActorNumber actor, std::size_t) override {
    now_ = number;
    if (number == capture_.event + 1) arrive();
    if (!reached_ || number <= capture_.event + 1) return;
    if (shows_) show_state();
    shows_ = false;
    if (left_ == 0) world_.stage().stop();
    if (traps_ && left_ > 0 && is_it(actor)) ::raise(SIGTRAP);
  }
  void arrive() {
    reached_ = true;
    same_ = world_.stage().hash() == capture_.hash;
    if (!same_) return world_.stage().stop();
    show_state();
  }

 private:
  bool is_it(sim::ActorNumber actor) const {
    return world_.name(actor) == node_name(capture_.node) + ' ' + capture_.actor;
  }
  void take(const Taken& what, const runtime::Envelope& envelope) {
    if (!reached_ || left_ == 0 || !is_it(what.to)) return;
    --left_;
    shows_ = true;
    out_ << '#' << now_ << "  " << fixed(seconds(world_.stage().now().since_origin()), 3) << " s  "
         << (what.kind == nullptr ? "a response" : what.kind->name)
         << (what.from == 0 ? "" : " from " + world_.name(what.from)) << '\n';
    if (what.kind != nullptr)
      out_ << "  message  " << message_line(what.kind->id, envelope.bytes(), kLineBytesMax) << '\n';
  }
  void show_state() {
    std::string now = state_line(world_, capture_.node, capture_.actor, kLineBytesMax).value_or("shows no state");
    if (now != state_) out_ << "  state    " << now << '\n';
    state_ = std::move(now);
  }

  World& world_;
  const Capture& capture_;
  std::uint64_t left_;
  const bool traps_;
  std::ostream& out_;
  std::uint64_t now_ = 0;
  bool reached_ = false, same_ = false, shows_ = false;
  std::string state_;
};

/// Runs to the event of a capture, and then prints its actor's messages one by one.
Ending replay_capture(const Invocation& invocation, Console& console, const std::string& file,
                      sim::WorkloadSpecs workloads) {
  const auto options = {"--until", "--filter", "--seed", "--nodes", "--time", "--calm", "--storm", "--beyond"};
  for (const char* option : options)
    if (invocation.has(option))
      return usage_failure(std::string(option) + " works only for worlds: a capture defines what is shown",
                           "troupe help sim replay");
  if (invocation.globals.json)
    return usage_failure("a capture is replayed for people, without --json", "troupe help sim replay");
  auto read = read_capture(file, workloads);
  if (!read.ok()) return read.error();
  const Capture& capture = read.value();
  if (capture.actor.empty())
    return usage_failure(base::printable(file) + " names no actor: none was selected when it was made",
                         "troupe inspect " + file_words(file));
  console.out << "capture: event " << capture.event << " of seed " << capture.scenario.seed << ", "
              << node_name(capture.node) << ' ' << base::printable(capture.actor) << ", written by troupe "
              << base::printable(capture.revision) << '\n';
  Trial trial(capture.scenario, workloads);
  OneActor actor(trial.world(), capture, invocation.number("--messages").value_or(20), invocation.has("--trap"),
                 console.out);
  const Outcome outcome = trial.run();
  if (!actor.reached() && outcome.events == capture.event) actor.arrive();
  if (!actor.same())
    return Failure{
        {base::Code::conflict, "this program differs from the capture before event " + std::to_string(capture.event)},
        "its actor was not run",
        "replay a capture with the revision that wrote it",
        Exit::failed};
  console.out << "the world was left at event " << outcome.events << '\n';
  return Exit::done;
}

Ending replay_world(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const std::string named = invocation.all(invocation.command().positionals.front().name).front();
  if (named.ends_with(".capture")) return replay_capture(invocation, console, named, workloads);
  for (const char* option : {"--messages", "--trap"})
    if (invocation.has(option))
      return usage_failure(std::string(option) + " works only for captures", "troupe help sim replay");
  const std::string typed = invocation.text("--filter").value_or("");
  const auto filter = observe::Filter::parse(typed);
  if (!filter.ok()) return usage_failure(observe::told("the filter", typed, filter.error()), "troupe help inspect");
  const auto world = world_of(invocation, workloads);
  if (!world.ok()) return world.error();
  const sim::Scenario& scenario = world.value().scenario;
  Trial trial(scenario, workloads);
  if (const auto until = invocation.number("--until")) trial.world().stage().stop_at(*until);
  const Outcome outcome = trial.run();
  if (invocation.globals.json) {
    print_json(console.out, outcome);
  } else {
    print_world(console.out, scenario, outcome, world.value().words);
    if (!outcome.broken())
      for (const auto& line : trial.story()) console.out << "  " << base::printable(line) << '\n';
  }
  print_states(console.out, trial.world(), filter.value(), invocation.globals.json);
  if (invocation.globals.json) print_summary_json(console.out, outcome);
  return exit_of(outcome);
}

}  // namespace

Command replay(sim::WorkloadSpecs workloads) {
  auto options = seed_options();
  options.push_back(number_option(
      "--until", "E", "stop after E events, without a verdict (default at the failure, otherwise at the end)", 0,
      1ull << 62));
  options.push_back({.name = "--filter",
                     .value = "FILTER",
                     .help = "show only the actors that match, as `inspect --filter` does (default all)"});
  options.push_back(
      number_option("--messages", "N", "messages of a capture's actor to show (default 20)", 1, 1'000'000));
  options.push_back(
      {.name = "--trap", .help = "for a capture: stop in a debugger (SIGTRAP) before each of its messages"});
  return {.name = "sim replay",
          .summary = "Run one world up to an event, and show its actors; or replay the actor of a capture",
          .options = std::move(options),
          .positionals = {{.name = "DOMAIN[,DOMAIN...]|FILE",
                           .help = "domains as for `sim`, a scenario file, or FILE.capture"}},
          .run = simulating(replay_world, workloads)};
}

}  // namespace troupe::apps::sim_command
