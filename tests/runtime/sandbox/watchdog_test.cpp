// Real processes that wait, and short looks.
#include "runtime/sandbox/watchdog.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/base/descriptor.hpp"
#include "tests/support.hpp"

namespace troupe::sandbox {
namespace {

using namespace std::chrono_literals;

/// A bound for broken code, never a wait for working code.
bool until(const auto& claim) {
  for (int i = 0; i < 30'000 && !claim(); ++i) ::poll(nullptr, 0, 1);
  return claim();
}

class Waiting {
 public:
  // As a sandbox is made: fork() of libc looks at the stacks of all threads, and a watchdog's is not there.
  Waiting() : process_(static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr))) {
    if (process_ == 0) {
      ::pause();
      ::_exit(0);
    }
    life_ = base::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process_, 0)));
    quota_ = base::Descriptor(::memfd_create("quota", MFD_CLOEXEC));
    weight_ = base::Descriptor(::memfd_create("weight", MFD_CLOEXEC));
  }
  ~Waiting() {
    if (runs_) ::kill(process_, SIGKILL), ::waitpid(process_, nullptr, 0);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  int life() const { return life_.get(); }
  CoreFiles cores() const { return {quota_.get(), weight_.get()}; }
  std::string quota_text() const { return text(quota_); }
  std::string weight_text() const { return text(weight_); }
  bool runs() { return runs_ = runs_ && ::waitpid(process_, nullptr, WNOHANG) == 0; }

 private:
  static std::string text(const base::Descriptor& file) {
    std::string out(8, '\0');
    const auto got = ::pread(file.get(), out.data(), out.size(), 0);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }

  pid_t process_;
  base::Descriptor life_, quota_, weight_;
  bool runs_ = true;
};

// A program kept the launcher in the kernel for as long as it liked: no program was ended, neither at its time limit
// nor by order.
TEST_CASE("sandbox watchdog: while a turn does not end the program goes whose threads wait longest, then the next") {
  Waiting few, many, kept;
  Watchdog watchdog(30ms);  // long enough to say all of it
  watchdog.watch(1, few.life(), few.cores(), 3);
  watchdog.watch(2, many.life(), many.cores(), 7);
  watchdog.watch(3, kept.life(), kept.cores(), 9);
  watchdog.watch(1, few.life(), few.cores(), 5);
  CHECK_FALSE(watchdog.forget(3));
  REQUIRE(until([&] { return !many.runs() || !few.runs(); }));
  CHECK_FALSE(many.runs());
  REQUIRE(until([&] { return !few.runs(); }));
  CHECK(watchdog.forget(1));
  CHECK(watchdog.forget(2));
  CHECK_FALSE(watchdog.forget(2));
  CHECK(kept.runs());
}

// Twenty of one stranger's, one a second, kept a start waiting for half a minute.
TEST_CASE("sandbox watchdog: each time that it has ended some it ends twice as many") {
  std::array<Waiting, 15> programs;
  Watchdog watchdog(50ms);
  for (std::size_t i = 0; i < programs.size(); ++i) watchdog.watch(i, programs[i].life(), programs[i].cores(), 100 - i);
  std::vector<std::ptrdiff_t> ended{0};
  REQUIRE(until([&] {
    watchdog.next_turn();
    watchdog.end_longest();
    const auto now = std::ranges::count(programs, "max", &Waiting::quota_text);
    if (now != ended.back()) ended.push_back(now);
    return now == 15;
  }));
  CHECK(ended == std::vector<std::ptrdiff_t>{0, 1, 3, 7, 15});
}

TEST_CASE("sandbox watchdog: a program that is named goes at once, and no other") {
  Waiting one, other;
  Watchdog watchdog(1h);
  watchdog.watch(1, one.life(), one.cores(), 4);
  watchdog.watch(2, other.life(), other.cores(), 5);
  watchdog.end(1);
  watchdog.end(3);
  REQUIRE(until([&] { return !one.runs(); }));
  CHECK(other.runs());
  CHECK(watchdog.forget(1));
  CHECK_FALSE(watchdog.forget(2));
}

// Reclaim was what kept the launcher waiting, and the watchdog with it: after each clone its first write took a page.
TEST_CASE("sandbox watchdog: it takes no memory though its process is copied") {
  if (test::kRoundsShare != 1) {
    test::skip("a sanitizer writes beside what is written");
    return;
  }
  const auto threads = [] {
    std::set<std::string> out;
    for (const auto& one : std::filesystem::directory_iterator("/proc/self/task")) out.insert(one.path().string());
    return out;
  };
  const auto before = threads();
  Watchdog watchdog(1ms);
  auto added = threads();
  std::erase_if(added, [&](const std::string& one) { return before.contains(one); });
  REQUIRE(added.size() == 1);
  const auto faults = [&] {
    std::ifstream file(*added.begin() + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string field;
    constexpr int kMinorFaults = 8;
    for (int i = 0; i < kMinorFaults; ++i) fields >> field;
    return std::stoull(field);
  };
  const auto looks = [&] {  // it has waited for its next turn so often
    std::ifstream file(*added.begin() + "/status");
    for (std::string word; file >> word;)
      if (word == "voluntary_ctxt_switches:") return file >> word, std::stoull(word);
    return 0ull;
  };
  const auto looked = [&](unsigned long long times) {
    return until([&, first = looks()] { return looks() >= first + times; });
  };
  REQUIRE(looked(5));
  const auto first = faults();
  for (int copy = 0; copy < 20; ++copy) {
    const Waiting sandbox;
    REQUIRE(looked(3));
  }
  CHECK(faults() == first);
}

TEST_CASE("sandbox watchdog: while the launcher goes on no program goes but the one that it wants ended") {
  Waiting one, other;
  Watchdog watchdog(100ms);
  watchdog.watch(1, one.life(), one.cores(), 5);
  watchdog.watch(2, other.life(), other.cores(), 4);
  watchdog.end_longest();
  watchdog.end_longest();  // and not the next one at once
  for (int turn = 0; turn < 250; ++turn) {
    watchdog.next_turn();
    ::poll(nullptr, 0, 5);
  }
  CHECK_FALSE(one.runs());
  CHECK(other.runs());
  CHECK(watchdog.forget(1));
  CHECK_FALSE(watchdog.forget(2));
  // What it held in the kernel it would have given back a period of its quota later, for each of its threads.
  CHECK(one.quota_text() == "max");
  CHECK(one.weight_text() == "100");
  CHECK(other.quota_text() == "");
}

}  // namespace
}  // namespace troupe::sandbox
