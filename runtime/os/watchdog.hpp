#pragma once
// Finds handlers that do not return: a thread that checks every kPeriod what the other threads are doing.
//
// Told    messages that have been in their handlers for kStuck are passed to Node::set_long_turns. A handler that keeps
//         a shared thread for runtime::kSlowHandler raises one alarm, whose duration is updated each time it has
//         doubled.
// Cost    a wake-up every kPeriod, and a walk over the node's actors when a handler is found.
// Owner   the owner of the node; ends before it.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "runtime/actor/node.hpp"

namespace troupe::os {

class Watchdog {
 public:
  static constexpr std::chrono::milliseconds kPeriod{50};  // our choice: half of the shortest time to detect
  static constexpr std::chrono::seconds kStuck{1};

  explicit Watchdog(runtime::Node& node);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Seen {
    runtime::TurnSeen turn;
    base::Instant since;
    base::Duration excused{0};  // time in which the machine was busy with other programs
    base::Duration told{0};
  };
  void run();
  void look();
  void sound(const Seen& seen, base::Duration length);

  runtime::Node& node_;
  std::map<std::uint64_t, Seen> threads_;
  base::Instant looked_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace troupe::os
