// Real processes that wait; a look takes a millisecond.
#include "runtime/sandbox/watchdog.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/descriptor.hpp"

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
  Waiting() : process_(::fork()) {
    if (process_ == 0) {
      ::pause();
      ::_exit(0);
    }
    life_ = base::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process_, 0)));
  }
  ~Waiting() {
    if (runs_) ::kill(process_, SIGKILL), ::waitpid(process_, nullptr, 0);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  int life() const { return life_.get(); }
  bool runs() { return runs_ = runs_ && ::waitpid(process_, nullptr, WNOHANG) == 0; }

 private:
  pid_t process_;
  base::Descriptor life_;
  bool runs_ = true;
};

// A program kept the launcher in the kernel for as long as it liked: nothing was ended any more, at its time or by
// order.
TEST_CASE("sandbox watchdog: while a turn does not end the program goes whose threads wait longest, then the next") {
  Waiting few, many, kept;
  Watchdog watchdog(1ms);
  watchdog.watch(1, few.life(), 3);
  watchdog.watch(2, many.life(), 7);
  watchdog.watch(3, kept.life(), 9);
  watchdog.watch(1, few.life(), 5);
  watchdog.forget(3);
  CHECK(watchdog.ended().empty());
  watchdog.turn_begins();
  std::vector<Watchdog::Key> first;
  REQUIRE(until([&] { return !first.empty() || !(first = watchdog.ended()).empty(); }));
  CHECK(first.back() == 2);
  REQUIRE(until([&] { return !many.runs() && !few.runs(); }));
  watchdog.turn_ends();
  watchdog.ended();
  CHECK(watchdog.ended().empty());
  CHECK(kept.runs());
}

TEST_CASE("sandbox watchdog: while the launcher waits for something to do no program goes, however long that is") {
  Waiting one;
  Watchdog watchdog(1ms);
  watchdog.watch(1, one.life(), 5);
  watchdog.turn_ends();
  ::poll(nullptr, 0, 10 * kStuckLooks);
  watchdog.turn_begins();
  watchdog.turn_ends();
  ::poll(nullptr, 0, 10 * kStuckLooks);
  CHECK(one.runs());
  CHECK(watchdog.ended().empty());
  watchdog.turn_begins();
  CHECK(until([&] { return !one.runs(); }));
}

}  // namespace
}  // namespace troupe::sandbox
