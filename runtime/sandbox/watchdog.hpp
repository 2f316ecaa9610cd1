#pragma once
// Ends programs of other nodes while the launcher itself waits in the kernel for what one of them holds.
//
// Why     some locks of the kernel are the whole machine's (that of all mounts, of the host's name, of cgroups). A
//         program that holds one, and gets no turn of a core, keeps the launcher waiting at the next sandbox; and a
//         signal does not end such a wait.
// Turn    the launcher says when it begins something and when it has ended. What has not ended after kStuckLooks looks
// is
//         stuck: then a program goes at each look, that one first whose threads wait longest for a core.
// Looks   are counted, and not the time: a machine that was stopped for a while is not stuck.
// Waits   for nothing that a program can hold; takes no memory, for a sandbox may be a copy of this process at any
// moment. Thread  its own, while it lives. All calls come from the launcher's.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

inline constexpr base::Duration kStuckLook = std::chrono::milliseconds{200};  // our choice
inline constexpr int kStuckLooks = 10;  // our choice: a sandbox is made in some milliseconds

class Watchdog {
 public:
  using Key = std::uint64_t;

  explicit Watchdog(base::Duration look = kStuckLook);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void turn_begins() { turn_ |= 1; }
  void turn_ends() { turn_ = (turn_ | 1) + 1; }
  void next_turn() { turn_ends(), turn_begins(); }

  /// A program of others: `life` is the pidfd of its init, which stays open until forget() or the end of this; `wait`
  /// how long a thread of it may have to wait for its turn of a core, of any unit. Again when that is another one.
  void watch(Key program, int life, std::uint64_t wait);
  void forget(Key program);
  /// Without a turn that is stuck, unless one has been ended since the last ended().
  void end_longest();
  /// Those that it has ended since the last call.
  std::vector<Key> ended();

 private:
  struct Watched {
    int life;
    std::uint64_t wait;
    bool ended = false;
  };
  void run();
  void end_one();

  const base::Duration look_;
  std::atomic<std::uint64_t> turn_{0};  // odd: one is under way
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  bool has_ended_ = false;
  std::map<Key, Watched> watched_;
  std::thread thread_;
};

}  // namespace troupe::sandbox
