#pragma once
// Ends programs of other nodes while the launcher itself waits in the kernel for what one of them holds.
//
// Why     some locks of the kernel are the whole machine's (that of all mounts, of the host's name, of cgroups). A
//         program that holds one, and gets no turn of a core, keeps the launcher waiting at the next sandbox; and a
//         signal does not end such a wait.
// Turn    the launcher says when it goes on to something else, also to a wait: poll(2) takes locks of what it waits
// for.
//         What has not ended after kStuckLooks looks is stuck. So the launcher waits for less while it has programs.
// Ends    while it is stuck that program first whose threads wait longest for a core; twice as many each time that it
//         has ended some, when those are gone or kPatienceLooks later: one stranger may have dozens that do the same.
//         One again after kCalmLooks without an end.
// Looks   are counted, and not the time: a machine that was stopped for a while is not stuck.
// Waits   for nothing that a program can hold; takes no memory, for a sandbox may be a copy of this process at any
// moment. Thread  its own, while it lives. All calls come from the launcher's.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

inline constexpr base::Duration kStuckLook = std::chrono::milliseconds{200};  // our choice
inline constexpr int kStuckLooks = 10;    // our choice: a sandbox is made in some milliseconds
inline constexpr int kPatienceLooks = 5;  // our choice: a program of many threads may take long to end
inline constexpr int kCalmLooks = 300;    // our choice: a minute

class Watchdog {
 public:
  using Key = std::uint64_t;

  explicit Watchdog(base::Duration look = kStuckLook);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void next_turn() { ++turn_; }

  /// A program of others: `life` is the pidfd of its init, and `quota` what is lifted then (`cgroup.hpp`), which stay
  /// open until forget() or the end of this; `wait` how long a thread of it may have to wait for its turn of a core, of
  /// any unit. Again when that is another one.
  void watch(Key program, int life, int quota, std::uint64_t wait);
  /// Whether it has ended that program.
  bool forget(Key program);
  /// Though the launcher is not stuck; nothing if one was ended a moment ago.
  void end_longest();

 private:
  struct Watched {
    int life, quota;
    std::uint64_t wait;
    bool ended = false;
  };
  void run();
  void end_next();
  /// Whether all are gone that it has ended.
  bool ended_are_gone() const;

  const base::Duration look_;
  std::atomic<std::uint64_t> turn_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::map<Key, Watched> watched_;
  std::size_t next_ = 1;         // how many are ended together
  int since_last_ = kCalmLooks;  // looks
  std::thread thread_;
};

}  // namespace troupe::sandbox
