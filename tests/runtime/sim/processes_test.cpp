// Simulated processes: what all have in common, and what scripts alone can do.
#include "runtime/sim/processes.hpp"

#include <array>

#include "runtime/actor/actor.hpp"
#include "runtime/sim/machine.hpp"
#include "tests/runtime/os/processes_contract.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using sandbox::Ended;
using sandbox::Limit;

class SimProcesses {
 public:
  explicit SimProcesses(std::uint64_t seed = 5, std::uint16_t node = 1) : stage(seed), node_(node) {
    constexpr std::array kNames{"speak", "fail", "crash", "hang", "copy", "flood", "leave"};
    const std::array<sim::Program, kNames.size()> programs{
        [](const sim::Run&) {
          return sim::Script{sim::print("out\n"), sim::print("err\n", ports::Output::errors)};
        },
        [](const sim::Run&) { return sim::Script{sim::Exit{7}}; },
        [](const sim::Run&) { return sim::Script{sim::Crash{SIGTERM}}; },
        [](const sim::Run&) { return sim::Script{sim::Hang{}}; },
        [](const sim::Run& run) {
          return sim::Script{sim::Print{ports::Output::standard, {run.input.begin(), run.input.end()}}};
        },
        [](const sim::Run&) {
          return sim::Script{sim::Print{ports::Output::standard, base::Bytes(kFloodBytes)}};
        },
        [](const sim::Run&) {
          return sim::Script{sim::Leave{"in/left", {'k', 'e', 'p', 't', '\n'}}};
        }};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      names_.push_back(kNames[i]);
      programs_.add(kNames[i], programs[i]);
    }
    processes_.use(programs_);
  }

  static bool works() { return true; }
  caf::actor_system& system() { return stage.system(); }
  sim::Processes& processes() { return processes_; }
  /// In steps: a claim that grants makes events, also where none was due.
  bool until(const std::function<bool()>& claim) {
    for (int i = 0; i < 600; ++i)
      if (stage.run_until(claim, 100ms)) return true;
    return false;
  }
  void settle() { stage.run_for(200ms); }
  std::size_t programs() const { return processes_.running(); }
  sandbox::Spec spec_of(Does what) const { return named(names_[static_cast<std::size_t>(what)]); }
  static sandbox::Spec named(std::string name) {
    sandbox::Spec out;
    out.command = {std::move(name)};
    return out;
  }
  /// The script of "scripted".
  sandbox::Spec scripted(sim::Script script) {
    programs_.add("scripted", [script = std::move(script)](const sim::Run&) { return script; });
    return named("scripted");
  }

  sim::Stage stage;

 private:
  std::uint16_t node_;
  std::vector<std::string> names_;
  sim::Programs programs_;
  sim::Processes& processes_ = stage.keep<sim::Processes>(stage, node_);
};

}  // namespace

TROUPE_PROCESSES_CONTRACT(SimProcesses);

namespace {

TEST_CASE("processes: a script takes its time, more of it with fewer cores than it needs") {
  OwnedProcesses<SimProcesses> here;
  sandbox::Spec spec =
      here.place.scripted({sim::Work{.time = 2s, .cpu = 3s}, sim::print("done"), sim::Work{.time = 1s}});
  spec.limits.cpu.thousandths = 500;
  const base::Instant began = here.place.stage.now();
  here.start(1, spec);
  REQUIRE(here.place.until([&] { return here.owner.of(1).out == "done"; }));
  CHECK(here.place.stage.now() - began >= 6s + sim::kMakingTimeMin);
  CHECK(here.place.stage.now() - began <= 6s + sim::kMakingTimeMax);
  const sandbox::Outcome outcome = here.end_of(1);
  CHECK(outcome.usage.cpu == 3s);
  CHECK(outcome.usage.wall == here.place.stage.now() - began);
  const auto usages = here.owner.of(1).usages;
  REQUIRE(usages.size() >= 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(usages[i].cpu <= usages[i].wall / 2);
    CHECK(usages[i].cpu >= usages[i].wall / 2 - 10ms);
  }
}

TEST_CASE("processes: a script that uses more than it may ends by that limit") {
  OwnedProcesses<SimProcesses> here;
  const sandbox::Limits limits;
  struct Case {
    sim::Use use;
    std::optional<Limit> limit;
    Ended how;
  };
  const Case cases[] = {
      {{limits.memory_bytes, limits.disk_bytes, limits.pids}, std::nullopt, Ended::exited},
      {{.memory_bytes = limits.memory_bytes + 1}, Limit::memory, Ended::signalled},
      {{.disk_bytes = limits.disk_bytes + 1}, Limit::disk, Ended::exited},
      {{.pids = limits.pids + 1}, Limit::pids, Ended::exited},
  };
  std::uint64_t ticket = 0;
  for (const Case& one : cases) {
    here.start(++ticket, here.place.scripted({one.use}));
    const sandbox::Outcome outcome = here.end_of(ticket);
    CHECK(outcome.limit == one.limit);
    CHECK(outcome.how == one.how);
    CHECK((outcome.status == 0) == !one.limit);
    CHECK(outcome.usage.memory_bytes_max <= limits.memory_bytes);
  }
  CHECK(here.owner.of(1).ends.front().usage.pids_max == limits.pids);
}

TEST_CASE("processes: a script that tries what is forbidden ends by a tripwire, and else goes on") {
  OwnedProcesses<SimProcesses> here;
  sandbox::Spec spec = here.place.scripted({sim::Try{"bpf"}, sim::Exit{3}});
  here.start(1, spec);
  CHECK(here.end_of(1).status == 3);
  spec.tripwires = sandbox::Tripwires::yes;
  here.start(2, spec);
  CHECK(here.end_of(2).tripwire == "bpf");
  CHECK(here.end_of(2).how == Ended::signalled);
}

TEST_CASE("processes: a program that waits for its full pipe goes on once that was read, and its time runs on") {
  OwnedProcesses<SimProcesses> here;
  const sim::Print much{ports::Output::errors, base::Bytes(ports::kOutputWindowBytes + sim::kPipeBytes + 1)};
  sandbox::Spec spec = here.place.scripted({much, sim::print("after")});
  spec.limits.time = 10s;
  ports::Process& process = here.start(1, spec);
  here.place.stage.run_for(5s);
  CHECK(here.owner.of(1).out.empty());
  SUBCASE("read in time") {
    process.grant(here.owner.take_ungranted(1));
    here.place.settle();
    CHECK(here.end_of(1).how == Ended::exited);
    CHECK(here.owner.of(1).err.size() == much.bytes.size());
    CHECK(here.owner.of(1).out == "after");
  }
  SUBCASE("too late") {
    here.place.stage.run_for(5s + sim::kMakingTimeMax);
    CHECK_FALSE(here.owner.ended(1));
    CHECK(here.end_of(1).limit == Limit::time);
    CHECK(here.owner.of(1).err.size() < much.bytes.size());
  }
}

TEST_CASE("processes: a program may lie at one node, and look at its arguments and input") {
  const auto said_at = [](std::uint16_t node) {
    OwnedProcesses<SimProcesses> here{SimProcesses(5, node)};
    sim::Programs programs;
    programs.add_others([](const sim::Run& run) {
      return sim::Script{
          sim::print(run.node == 2 ? "lie" : run.spec.command.at(1) + std::string(base::as_text(run.input)))};
    });
    here.place.processes().use(programs);
    sandbox::Spec spec = SimProcesses::named("any");
    spec.command.push_back("truth of ");
    here.start(1, spec, bytes_of("input"));
    here.end_of(1);
    return here.owner.of(1).out;
  };
  CHECK(said_at(1) == "truth of input");
  CHECK(said_at(2) == "lie");
}

TEST_CASE("processes: the same seed gives the same pieces at the same times, another seed others") {
  const auto run = [](std::uint64_t seed) {
    OwnedProcesses<SimProcesses> here{SimProcesses(seed)};
    for (std::uint64_t ticket = 0; ticket < 5; ++ticket) here.start(ticket, Does::flood);
    for (std::uint64_t ticket = 0; ticket < 5; ++ticket) here.end_of(ticket);
    return here.place.stage.hash();
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("processes: each ends once at most and says nothing after it, with any seed") {
  for (std::uint64_t seed = 0; seed < rounds(1'000); ++seed) {
    CAPTURE(seed);
    OwnedProcesses<SimProcesses> here{SimProcesses(seed)};
    try_all_orders(here, seed);
  }
}

/// Notes what it is told for longer than it lives.
class Patron final : public runtime::Actor {
 public:
  explicit Patron(std::vector<std::size_t>& told) : told_(told) {}
  void receive(runtime::Handlers&) override {}
  void start() override {
    sandbox::Spec spec;
    spec.command = {"chatty"};
    process_ = world().processes.start({spec, {}, 1}, self());
  }
  void process(ports::ProcessEvent&& event) override { told_.push_back(event.index()); }

 private:
  std::vector<std::size_t>& told_;
  std::unique_ptr<ports::Process> process_;
};

TEST_CASE("processes: the crash of a node ends its programs without a word, and its next life has its own") {
  sim::Stage stage(1);
  const auto fabric = sim::Fabric::make(stage);
  sim::Programs programs;
  programs.add("chatty", [](const sim::Run&) {
    return sim::Script{sim::print("begin"), sim::Work{.time = 10s}, sim::print("end")};
  });
  sim::Machine machine(stage, fabric, 1, {.programs = &programs});
  std::vector<std::size_t> told;
  const auto begin = [&] {
    machine.boot().start("patron", [&told] { return std::make_unique<Patron>(told); });
    stage.run_for(5s);
  };
  begin();
  CHECK(machine.ports().processes().running() == 1);
  CHECK_FALSE(told.empty());
  SUBCASE("killed") { machine.kill(); }
  SUBCASE("without power") { machine.lose_power(); }
  told.clear();
  CHECK(machine.ports().processes().running() == 0);
  stage.run_for(1min);
  CHECK(told.empty());
  begin();
  stage.run_for(1min);
  CHECK(told.back() == 2);  // ProcessEnded
  CHECK(machine.ports().processes().running() == 0);
}

}  // namespace
}  // namespace troupe::test
