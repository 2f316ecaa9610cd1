// Real sandboxes, real pipes. A wait ends with what it waits for; only broken code reaches its bound.
#include "runtime/os/processes.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "runtime/actor/actor.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/system.hpp"
#include "tests/runtime/os/echo_host.hpp"
#include "tests/runtime/os/os_place.hpp"
#include "tests/runtime/os/processes_contract.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

class OsProcesses {
 public:
  explicit OsProcesses(std::size_t running_max = ports::kProcessesMax)
      : OsProcesses(sandbox::Launcher::start(), running_max) {}

  caf::actor_system& system() { return system_; }
  os::Processes& processes() { return *processes_; }
  bool until(const std::function<bool()>& claim) { return poll_until(claim); }
  void settle() { ::poll(nullptr, 0, 50); }
  pid_t launcher() const { return launcher_; }
  void close() { processes_.reset(); }

  sandbox::Spec spec_of(Does what) {
    constexpr std::array kScripts{"echo out; echo err >&2",
                                  "exit 7",
                                  "kill -TERM $$",
                                  "sleep 600",
                                  "cat",
                                  "head -c 1000000 /dev/zero",
                                  "mkdir in; echo kept >in/left; ln -s /etc/passwd link"};
    static_assert(kFloodBytes == 1'000'000);
    return shell(kScripts[static_cast<std::size_t>(what)]);
  }
  static sandbox::Spec shell(const std::string& script) {
    sandbox::Spec out;
    out.root = "/";
    out.command = {"/bin/sh", "-c", script};
    out.environment = sandbox::default_environment();
    return out;
  }

  /// False, and the case is skipped, where the kernel makes no sandbox for this user.
  bool works() {
    ProcessProbe owner(system_);
    const auto process = processes_->start({shell("true"), {}, 0}, owner.actor());
    REQUIRE(until([&] { return owner.ended(0); }));
    const sandbox::Outcome outcome = owner.of(0).ends.front();
    if (outcome.how == sandbox::Ended::not_made) skip(outcome.why);
    return outcome.how == sandbox::Ended::exited;
  }

  /// How many children the launcher has that run a program: others wait for one.
  std::size_t programs() const {
    const auto children = children_of(launcher_);
    return static_cast<std::size_t>(
        std::ranges::count_if(children, [](pid_t init) { return !children_of(init).empty(); }));
  }

 private:
  static std::vector<pid_t> children_of(pid_t process) {
    const std::string number = std::to_string(process);
    std::ifstream children("/proc/" + number + "/task/" + number + "/children");
    return {std::istream_iterator<pid_t>(children), {}};
  }
  /// The launcher comes before the threads of the actor system.
  OsProcesses(std::optional<sandbox::Launcher> launcher, std::size_t running_max)
      : launcher_(launcher ? launcher->process() : -1), config_(std::make_unique<caf::actor_system_config>()) {
    REQUIRE(launcher.has_value());
    processes_ = std::make_unique<os::Processes>(std::move(launcher), clock_, running_max);
  }

  pid_t launcher_;
  std::unique_ptr<caf::actor_system_config> config_;
  caf::actor_system system_{*config_};
  os::Clock clock_;
  std::unique_ptr<os::Processes> processes_;
};

}  // namespace

TROUPE_PROCESSES_CONTRACT(OsProcesses);

namespace {

TEST_CASE("processes: many run at a time, and none holds up another") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  constexpr std::uint64_t kMany = 40;
  here.start(1'000, Does::flood);  // nothing is granted
  for (std::uint64_t ticket = 0; ticket < kMany; ++ticket)
    here.start(ticket, OsProcesses::shell("echo " + std::to_string(ticket)));
  for (std::uint64_t ticket = 0; ticket < kMany; ++ticket) {
    CHECK(here.end_of(ticket).how == sandbox::Ended::exited);
    CHECK(here.owner.of(ticket).out == std::to_string(ticket) + "\n");
  }
  CHECK_FALSE(here.owner.ended(1'000));
  CHECK(here.end_of(1'000).how == sandbox::Ended::exited);
}

/// A program that keeps its standard output locked: splice(2) waits for bytes of a socket that never come.
sandbox::Spec locks_its_output() {
  sandbox::Spec out = OsProcesses::shell("");
  out.command = {"/usr/bin/python3", "-c",
                 "import os, socket\na, b = socket.socketpair()\nos.write(2, b'now')\nos.splice(a.fileno(), 1, 4096)"};
  return out;
}

// The thread that served all processes waited for it, to read or to close, for as long as the program ran.
TEST_CASE("processes: one that keeps its output locked holds up no other, dropped, ended or left alone") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) here.start(ticket, locks_its_output());
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket)
    REQUIRE(here.place.until([&] { return here.owner.of(ticket).err == "now"; }));
  here.processes[1].reset();
  here.processes[2]->end(sandbox::Limit::time);
  for (std::uint64_t ticket = 10; ticket < 30; ++ticket) {
    here.start(ticket, Does::speak);
    CHECK(here.end_of(ticket).how == sandbox::Ended::exited);
  }
  CHECK(here.end_of(2).limit == sandbox::Limit::time);
  CHECK_FALSE(here.owner.ended(3));
  here.place.close();  // and the node ends
}

struct OneOsProcess : OsProcesses {
  OneOsProcess() : OsProcesses(1) {}
};

// It was told first: what an owner started at once was refused as one too many.
TEST_CASE("processes: the place of one is free before its owner is told of its end") {
  OwnedProcesses<OneOsProcess> here;
  if (!here.works()) return;
  for (std::uint64_t ticket = 0; ticket < 60; ticket += 3) {
    here.start(ticket, Does::speak);
    for (int looks = 0; looks < 1'000'000 && !here.owner.ended(ticket); ++looks) std::this_thread::yield();
    CHECK(here.end_of(ticket).how == sandbox::Ended::exited);
    here.start(ticket + 1, Does::speak);
    here.start(ticket + 2, Does::speak);
    CHECK(here.end_of(ticket + 1).how == sandbox::Ended::exited);
    CHECK(here.end_of(ticket + 2).how == sandbox::Ended::exited);
  }
}

struct TwoOsProcesses : OsProcesses {
  TwoOsProcesses() : OsProcesses(2) {}
};

TEST_CASE("processes: where as many run as may, one more waits until one has ended, dropped or not") {
  OwnedProcesses<TwoOsProcesses> here;
  if (!here.works()) return;
  here.start(1, Does::hang);
  here.start(2, Does::hang);
  here.start(3, Does::speak);
  here.start(4, Does::hang);
  here.start(5, Does::speak);  // as many wait as run
  CHECK(here.end_of(5).how == sandbox::Ended::not_made);
  CHECK_FALSE(here.owner.ended(3));
  here.processes[4]->end(sandbox::Limit::time);
  CHECK(here.end_of(4).how == sandbox::Ended::signalled);
  CHECK(here.end_of(4).limit == sandbox::Limit::time);
  here.start(6, OsProcesses::shell("exit 7"));
  here.processes.erase(3);
  here.processes.erase(1);
  CHECK(here.end_of(6).status == 7);
  CHECK_FALSE(here.owner.ended(2));
  CHECK(here.owner.of(3).out.empty());
}

TEST_CASE("processes: the end of the launcher ends all of them, and nothing is started after it") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  here.start(1, Does::hang);
  here.start(2, Does::flood);
  REQUIRE(here.place.until([&] { return here.owner.of(2).bytes() == ports::kOutputWindowBytes; }));
  REQUIRE(::kill(here.place.launcher(), SIGKILL) == 0);
  for (const std::uint64_t ticket : {1, 2}) {
    CHECK(here.end_of(ticket).how == sandbox::Ended::not_made);
    CHECK(here.end_of(ticket).why == "the sandbox launcher has ended");
    here.check_over(ticket);
  }
  here.start(3, Does::speak);
  CHECK(here.end_of(3).why == "the sandbox launcher has ended");
  here.check_over(3);
}

TEST_CASE("processes: the end of the port ends all of them, and those that are held do nothing any more") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  here.start(1, Does::hang);
  here.start(2, Does::flood);
  REQUIRE(here.place.until([&] { return here.place.programs() == 2; }));
  here.place.close();
  CHECK(::kill(here.place.launcher(), 0) != 0);  // it was waited for
  for (auto& [ticket, process] : here.processes) {
    process->grant(100);
    process->end(std::nullopt);
    process.reset();
    CHECK_FALSE(here.owner.ended(ticket));
  }
}

TEST_CASE("processes: a program cannot change its input, nor what its arguments do not fit into") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  here.start(1,
             OsProcesses::shell("cat; : >>/dev/stdin; echo more >/proc/self/fd/0; truncate -s 0 /proc/self/fd/0; cat "
                                "/proc/self/fd/0 || cat /dev/stdin"),
             bytes_of("as it is\n"));
  CHECK(here.end_of(1).how == sandbox::Ended::exited);
  CHECK(contains(here.owner.of(1).out, "as it is\n"));
  CHECK_FALSE(contains(here.owner.of(1).out, "more"));
  here.start(2, OsProcesses::shell(std::string(sandbox::kPacketBytesMax, 'x')));
  CHECK(here.end_of(2).how == sandbox::Ended::not_made);
  CHECK(contains(here.end_of(2).why, "too large"));
  here.start(3, Does::speak);
  CHECK(here.end_of(3).how == sandbox::Ended::exited);
}

TEST_CASE("processes: a program that prints byte by byte is read to its end") {
  OwnedProcesses<OsProcesses> here;
  if (!here.works()) return;
  here.start(1, OsProcesses::shell("for i in $(seq 300); do printf x; done"));
  CHECK(here.end_of(1).how == sandbox::Ended::exited);
  CHECK(here.owner.of(1).out == std::string(300, 'x'));
}

/// Starts a program at once, and keeps it.
class Starter final : public runtime::Actor {
 public:
  struct Heard {
    std::mutex mutex;
    std::vector<sandbox::Outcome> ends;
    bool started = false;
  };
  Starter(std::shared_ptr<Heard> heard, std::string script) : heard_(std::move(heard)), script_(std::move(script)) {}

  void receive(runtime::Handlers&) override {}
  void start() override {
    process_ = world().processes.start({OsProcesses::shell(script_), {}, 5}, self());
    const std::lock_guard lock(heard_->mutex);
    heard_->started = true;
  }
  void process(ports::ProcessEvent&& event) override {
    process_->grant(1);
    auto* const ended = std::get_if<ports::ProcessEnded>(&event);
    const std::lock_guard lock(heard_->mutex);
    if (ended != nullptr) heard_->ends.push_back(std::move(ended->outcome));
  }

 private:
  std::shared_ptr<Heard> heard_;
  std::string script_;
  std::unique_ptr<ports::Process> process_;
};

/// A node with one such actor.
struct StartingNode {
  OsDirectory folder;
  std::shared_ptr<Starter::Heard> heard = std::make_shared<Starter::Heard>();
  os::System system;

  StartingNode(std::optional<sandbox::Launcher> launcher, const std::string& script)
      : system(os::open_disk(folder.path()).value(), {.workers = 1, .sockets = folder.path()}, std::move(launcher)) {
    system.node().start("starter", [heard = heard, script] { return std::make_unique<Starter>(heard, script); });
  }
  template <class Claim>
  bool until(const Claim& claim) {
    return poll_until([&] {
      const std::lock_guard lock(heard->mutex);
      return claim(*heard);
    });
  }
};

TEST_CASE("processes: a system without a launcher refuses each of them, and says why") {
  StartingNode node(std::nullopt, "true");
  REQUIRE(node.until([](const auto& heard) { return !heard.ends.empty(); }));
  CHECK(node.system.end(10s));
  CHECK(node.heard->ends.size() == 1);
  CHECK(node.heard->ends.front().how == sandbox::Ended::not_made);
  CHECK(contains(node.heard->ends.front().why, "without a sandbox launcher"));
}

TEST_CASE("processes: a system that ends takes its launcher and all programs along") {
  auto launcher = sandbox::Launcher::start();
  REQUIRE(launcher.has_value());
  const pid_t process = launcher->process();
  StartingNode node(std::move(launcher), "sleep 600");
  REQUIRE(node.until([](const auto& heard) { return heard.started; }));
  CHECK(node.system.end(10s));
  CHECK(node.heard->ends.empty());
  CHECK(::kill(process, 0) != 0);  // it was waited for
}

TEST_CASE(
    "processes on Linux: what a program says to a host that it may talk to is carried, where that may be reached") {
  OsProcesses here;
  if (!here.works()) return;
  if (::access("/usr/bin/bash", X_OK) != 0) return skip("no bash");
  const EchoHost host;
  ProcessProbe owner(here.system());
  // The second connection asks for a name that leads to an address which is not listed.
  sandbox::Spec spec = here.shell("for at in 127.0.0.1 localhost 127.0.0.9; do (exec 3<>/dev/tcp/$at/" + host.port() +
                                  " && echo $at >&3 && read word <&3 && echo $word) 2>/dev/null || echo no; done");
  spec.command.front() = "/usr/bin/bash";
  const auto port = static_cast<std::uint16_t>(std::stoi(host.port()));
  spec.hosts = {{"127.0.0.1", port}, {"localhost", port}};
  auto listed = *base::Endpoint::parse("127.0.0.1:" + host.port());
  SUBCASE("at its port") {}
  SUBCASE("at each port") { listed.port = 0; }
  SUBCASE("not at another one") { listed.port ^= 1; }
  SUBCASE("not at another address") { listed.address.back() = 2; }
  const bool reached = listed.port == 0 || (listed.port == port && listed.address.back() == 1);
  const auto process = here.processes().start({spec, {}, 1, {.listed = {listed}, .own = {}}}, owner.actor());
  REQUIRE(here.until([&] { return owner.ended(1); }));
  CHECK(owner.of(1).out == (reached ? "127.0.0.1\nlocalhost\nno\n" : "no\nno\nno\n"));
}

}  // namespace
}  // namespace troupe::test
