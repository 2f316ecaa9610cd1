#pragma once
// Ends programs of other nodes while the launcher itself waits in the kernel for what one of them holds.
//
// Why     some locks of the kernel are the whole machine's (that of all mounts, of the host's name, of cgroups). A
//         program that holds one, and gets no turn of a core, keeps the launcher waiting at the next sandbox; and a
//         signal does not end such a wait.
// Turn    the launcher says when it goes on to something else, also to a wait: poll(2) takes locks of its files. What
//         has not ended after kStuckLooks looks is stuck. So the launcher waits for less while it has programs.
// Ends    while it is stuck that program first whose threads wait longest for a core; twice as many each time that it
//         has ended some, when those are gone or kPatienceLooks later: one stranger may have dozens that do the same.
//         One again after kCalmLooks without an end.
// Looks   are counted, and not the time: a machine that was stopped for a while is not stuck.
// Waits   for nothing that a program can hold, and takes no memory, for what is reclaimed for it may be what keeps the
//         launcher: all that it writes, its stack too, are pages that no sandbox copies (`own_pages.hpp`), and at each
//         look it does with nothing what it does to end a program, so that its code is in memory.
// Thread  its own, while it lives. All calls come from the launcher's.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/base/time.hpp"
#include "runtime/sandbox/cgroup.hpp"
#include "runtime/sandbox/own_pages.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kWatchedMax = 1'024;                             // programs
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

  void next_turn();

  /// A program of others, of kWatchedMax at most: `life` is the pidfd of its init, and `cores` are hurried when it
  /// ends, which stay open until forget() or the end of this; `wait` how long a thread of it may have to wait for its
  /// turn of a core, of any unit. Again when that is another one. Returns whether it has ended that program.
  bool watch(Key program, int life, CoreFiles cores, std::uint64_t wait);
  /// Whether it has ended that program.
  bool forget(Key program);
  /// Though the launcher is not stuck; nothing if one was ended a moment ago.
  void end_longest();
  /// That one, at once.
  void end(Key program);

 private:
  struct State;
  class Locked;
  OwnPages pages_;
  State* const state_;
  std::optional<OwnThread> thread_;
};

}  // namespace troupe::sandbox
