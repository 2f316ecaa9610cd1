#pragma once
// Runs each world in a process of its own: several at once, and one that crashes or hangs ends nothing but itself.
//
// Order   the process that forks has no other thread.
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

inline constexpr std::chrono::minutes kWorldWallMax{10};  // our choice: some hundred times what a world takes

/// The real clock, by which worlds are waited for; they have clocks of their own.
base::Instant real_now();

/// While one lives, SIGINT and SIGTERM are noted instead of ending this process: what is known by then can be told.
/// Worlds in processes of their own end with them as usual.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// The signal that came since the first of them was made; zero: none.
  static int noted();
  /// Ends this process by that signal, if one came.
  static void obey();

 private:
  struct sigaction before_int_, before_term_;
};

class Apart {
 public:
  using Work = std::function<Outcome()>;
  struct Done {
    std::uint64_t tag = 0;
    std::optional<Outcome> outcome;  ///< nothing if the process ended without one
    std::string why;                 ///< then: how it ended
  };

  /// At most `jobs` at once, at least 1.
  explicit Apart(unsigned jobs) : jobs_(jobs) {}
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

  bool full() const { return running_.size() >= jobs_; }
  bool empty() const { return running_.empty(); }
  /// Errors: the system has no room for a process.
  base::Outcome<void> start(std::uint64_t tag, const Work& work);
  /// Waits for one of those that run to end; at least one must. Nothing once an interrupt was noted.
  std::optional<Done> next();
  /// Ends those that run, and forgets them.
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

/// Runs `count` worlds, those of the numbers 0 and on, at most `jobs` at once, and calls `ended` with each that has
/// ended until that says no or an interrupt is noted; then the others are dropped. Errors: the system has no room for a
/// single process.
base::Outcome<void> run_apart(unsigned jobs, std::uint64_t count, const std::function<Outcome(std::uint64_t)>& work,
                              const std::function<bool(Apart::Done)>& ended);

}  // namespace troupe::apps
