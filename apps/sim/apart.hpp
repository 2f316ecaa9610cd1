#pragma once
// Runs each world in its own process: several at once, and a crash or hang ends only that world.
//
// Order   the process that forks must have only one thread.
// Limits  kWorldWallMax for one world.
// End     the processes end with this object, and with this process.
#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/sim/outcome.hpp"
#include "runtime/base/error.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::apps {

inline constexpr std::chrono::minutes kWorldWallMax{10};  // our choice: several hundred times a world's usual time

/// Returns the real time, which limits the wait for worlds; they have their own clocks.
base::Instant real_now();

/// While an object lives, SIGINT and SIGTERM are only recorded and do not end this process, so that the results so far
/// can be reported. Worlds in their own processes end at these signals as usual.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Returns the signal that has arrived since the first object was made, or zero.
  static int noted();
  /// Ends this process by the recorded signal, if there is one.
  static void obey();

 private:
  struct sigaction before_int_, before_term_;
};

class Apart {
 public:
  using Work = std::function<Outcome()>;
  struct Done {
    std::uint64_t tag = 0;
    std::optional<Outcome> outcome;  ///< nullopt if the process ended without an outcome
    std::string why;                 ///< without an outcome: how the process ended
  };

  /// Runs at most `jobs` worlds at once; `jobs` is at least 1.
  explicit Apart(unsigned jobs) : jobs_(jobs) {}
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

  bool full() const { return running_.size() >= jobs_; }
  bool empty() const { return running_.empty(); }
  /// Starts a world in a new process. Errors: the system cannot start a process.
  base::Outcome<void> start(std::uint64_t tag, const Work& work);
  /// Waits until a running world ends; at least one must run. Returns nullopt once an interrupt was recorded.
  std::optional<Done> next();
  /// Ends the running worlds, and drops their results.
  void drop();

 private:
  struct Running {
    std::uint64_t tag = 0;
    pid_t id = -1;
    os::Descriptor output;
    std::string bytes;
    base::Instant due;
  };
  Done finish(std::size_t place, bool late);

  unsigned jobs_;
  std::vector<Running> running_;
};

/// Runs worlds 0 to `count - 1`, at most `jobs` at once, and calls `ended` for each world that has ended. If `ended`
/// returns false or an interrupt is recorded, drops the rest. Errors: the system cannot start any process.
base::Outcome<void> run_apart(unsigned jobs, std::uint64_t count, const std::function<Outcome(std::uint64_t)>& work,
                              const std::function<bool(Apart::Done)>& ended);

}  // namespace troupe::apps
