#include <doctest/doctest.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/runtime/sandbox/launched.hpp"

using namespace troupe;
using namespace troupe::sandbox;
using troupe::test::contains;
using troupe::test::skip;

TEST_CASE("sandbox launcher: several programs run at a time, each with its own streams and end") {
  Launched here;
  if (!here.works()) return;
  std::array<Flow, 3> output{flow(), flow(), flow()};
  for (std::uint64_t id = 0; id < output.size(); ++id) {
    const std::string name = std::to_string(id);
    REQUIRE(here.launcher->make({id + 1}, shell("echo " + name + "; exit " + name),
                                here.printing_to(output[id].write.get())));
    output[id].write.reset();
  }
  for (std::uint64_t id = output.size(); id > 0; --id) {
    const Outcome outcome = here.outcome_of(id);
    CHECK(outcome.how == Ended::exited);
    CHECK(outcome.status == static_cast<int>(id - 1));
    std::array<char, 16> text{};
    CHECK(::read(output[id - 1].read.get(), text.data(), text.size()) == 2);
    CHECK(text[0] == static_cast<char>('0' + id - 1));
    CHECK(::read(output[id - 1].read.get(), text.data(), text.size()) == 0);  // no other process holds it
  }
}

TEST_CASE("sandbox launcher: a program is ended for the limit that its caller names, or for none") {
  Launched here;
  if (!here.works()) return;
  REQUIRE(here.launcher->make({1}, shell("sleep 600"), here.quiet()));
  REQUIRE(here.launcher->make({2}, shell("sleep 600"), here.quiet()));
  here.launcher->end({1}, Limit::output);
  here.launcher->end({2}, std::nullopt);
  here.launcher->end({3}, std::nullopt);  // there is none
  for (const std::uint64_t id : {1, 2}) {
    const Outcome outcome = here.outcome_of(id);
    CHECK(outcome.how == Ended::signalled);
    CHECK(outcome.status == SIGKILL);
    CHECK(outcome.limit == (id == 1 ? std::optional(Limit::output) : std::nullopt));
  }
}

TEST_CASE("sandbox launcher: an input of a folder that is its owner's alone is seen inside, and cannot be changed") {
  Launched here;
  if (!here.works()) return;
  std::string folder = (std::filesystem::temp_directory_path() / "troupe-launcher-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);  // mode 0700
  std::ofstream(folder + "/words") << "as they are";
  Flow output = flow();
  Spec spec = shell("cat in/words; : >>in/words || : >in/other || rm in/words || exit 3");
  spec.binds = {{folder + "/words", "/task/in/words"}};
  REQUIRE(here.launcher->make({1}, spec, here.printing_to(output.write.get())));
  output.write.reset();
  std::array<char, 32> text{};
  CHECK(::read(output.read.get(), text.data(), text.size()) == 11);
  CHECK(std::string(text.data()) == "as they are");
  here.outcome_of(1);
  std::ifstream after(folder + "/words");
  CHECK(std::string{std::istreambuf_iterator<char>(after), {}} == "as they are");
  std::filesystem::remove_all(folder);
}

TEST_CASE("sandbox launcher: what cannot be made or started is told, and the launcher goes on") {
  Launched here;
  if (!here.works()) return;
  Spec absent = shell("true");
  absent.root = "/no/such/folder";
  REQUIRE(here.launcher->make({1}, absent, here.quiet()));
  const Outcome not_made = here.outcome_of(1);
  CHECK(not_made.how == Ended::not_made);
  CHECK(contains(not_made.why, "/no/such/folder"));
  Spec unknown = shell("true");
  unknown.command = {"no-such-program"};
  REQUIRE(here.launcher->make({2}, unknown, here.quiet()));
  const Outcome not_started = here.outcome_of(2);
  CHECK(not_started.how == Ended::not_started);
  CHECK(not_started.status == ENOENT);
  Spec large = shell(std::string(kPacketBytesMax, 'x'));
  CHECK_FALSE(here.launcher->make({3}, large, here.quiet()));
  Spec inside;
  inside.inside.run = [](void*) { return 0; };
  CHECK_FALSE(here.launcher->make({3}, inside, here.quiet()));
  REQUIRE(here.launcher->make({3}, shell("exit 4"), here.quiet()));
  CHECK(here.outcome_of(3).status == 4);
}

// One that had as many on their way between sockets kept the launcher of its own user from passing any.
TEST_CASE("sandbox launcher: a program may have half as many descriptors as the launcher, whatever it is given") {
  Launched here;
  if (!here.works()) return;
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
  Spec spec = shell("test $(ulimit -Hn) -le " + std::to_string(own.rlim_max / 2) + " || exit 1; exit 3");
  spec.limits.files = kFilesMax;
  REQUIRE(here.launcher->make({1}, spec, here.quiet()));
  CHECK(here.outcome_of(1).status == 3);
  spec.command.back() = "test $(ulimit -n) -eq 64 || exit 1; exit 3";
  spec.limits.files = 64;
  REQUIRE(here.launcher->make({2}, spec, here.quiet()));
  CHECK(here.outcome_of(2).status == 3);
}

TEST_CASE("sandbox launcher: its end is the end of what it runs") {
  Flow held = flow();
  {
    Launched here;
    if (!here.works()) return;
    REQUIRE(here.launcher->make({1}, shell("echo on; sleep 600"), here.printing_to(held.write.get())));
    held.write.reset();
    std::array<char, 16> text{};
    REQUIRE(::read(held.read.get(), text.data(), text.size()) == 3);
  }
  std::array<char, 16> text{};
  CHECK(::read(held.read.get(), text.data(), text.size()) == 0);  // the program, which had the other end, is gone
}

TEST_CASE("sandbox launcher: it tells what each sandbox uses, again and again while that runs") {
  Launched here;
  if (!here.works()) return;
  REQUIRE(here.launcher->make({1}, shell("while :; do :; done"), here.quiet()));
  REQUIRE(here.launcher->make({2}, shell("sleep 600"), here.quiet()));
  while (here.usages.count(1) < 2 || here.usages.count(2) < 2) here.listen();
  const auto of = [&](std::uint64_t id) { return here.usages.equal_range(id); };
  const Usage first = of(1).first->second, second = std::next(of(1).first)->second;
  CHECK(second.wall >= first.wall + kUsagePeriod);
  CHECK(second.cpu > first.cpu);
  CHECK(second.cpu > std::next(of(2).first)->second.cpu);
  CHECK(first.pids_max >= 1);
  CHECK(first.memory_bytes_max > 0);
}

TEST_CASE("sandbox launcher: its caller never waits for it, and it hears all orders in the end") {
  Launched here;
  if (!here.works()) return;
  Spec nothing;  // refused, without a process
  constexpr std::uint64_t kOrders = 400;
  REQUIRE(::kill(here.launcher->process(), SIGSTOP) == 0);
  for (std::uint64_t id = 1; id <= kOrders; ++id) REQUIRE(here.launcher->make({id}, nothing, here.quiet()));
  here.launcher->end({kOrders}, std::nullopt);
  CHECK(here.launcher->holds_orders());
  CHECK_FALSE(here.launcher->next().has_value());
  REQUIRE(::kill(here.launcher->process(), SIGCONT) == 0);
  for (std::uint64_t id = 1; id <= kOrders; ++id) CHECK(here.outcome_of(id).how == Ended::not_made);
  CHECK_FALSE(here.launcher->holds_orders());
}

TEST_CASE("sandbox launcher: one that is gone is known to be, and takes no orders") {
  Launched here;
  REQUIRE(::kill(here.launcher->process(), SIGKILL) == 0);
  const std::array watched{here.launcher->descriptor()};
  REQUIRE(os::Waker::readable(watched, kPatience)[0]);
  CHECK_FALSE(here.launcher->next().has_value());
  CHECK(here.launcher->gone());
  CHECK_FALSE(here.launcher->make({1}, shell("true"), here.quiet()));
  here.launcher->end({1}, std::nullopt);
}

TEST_CASE("sandbox launcher: that of a plain user makes sandboxes, where such users get namespaces at all") {
  if (::geteuid() != 0) return;  // then all cases show it
  Launched here;
  if (!here.works()) return;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    constexpr id_t kPlain = 65'534;
    // What changes its id is not dumpable until it runs a program, and others may not map the ids of its children.
    const bool plain = ::setgroups(0, nullptr) == 0 && ::setresgid(kPlain, kPlain, kPlain) == 0 &&
                       ::setresuid(kPlain, kPlain, kPlain) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0;
    auto launcher = Launcher::start();
    if (!plain || !launcher || !launcher->make({1}, shell("true"), here.quiet())) ::_exit(1);
    for (;;) {
      const std::array watched{launcher->descriptor()};
      os::Waker::readable(watched, kPatience);
      const auto heard = launcher->next();
      if (!heard && !launcher->gone()) continue;
      if (!heard) ::_exit(1);
      const auto* outcome = std::get_if<Outcome>(&heard->what);
      if (outcome == nullptr) continue;
      if (contains(outcome->why, "does not let this user create namespaces")) ::_exit(2);
      ::_exit(outcome->how == Ended::exited && outcome->status == 0 ? 0 : 1);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) return skip("the kernel gives plain users no namespaces of their own");
  CHECK(WEXITSTATUS(status) == 0);
}
