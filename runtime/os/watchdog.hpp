#pragma once
// Finds handlers that do not return: a thread that looks every kPeriod at what the others are at.
//
// Told    messages that have been in their handlers for kStuck go to Node::set_long_turns; one that keeps a shared
//         thread for runtime::kSlowHandler sounds one alarm, whose length is told anew each time that it has doubled.
// Cost    a wake-up every kPeriod, and a walk over the node's actors when a handler is found.
// Owner   whoever owns the node; ends before it.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "runtime/actor/node.hpp"

namespace troupe::os {

class Watchdog {
 public:
  static constexpr std::chrono::milliseconds kPeriod{50};  // our choice: half of what it must see
  static constexpr std::chrono::seconds kStuck{1};

  explicit Watchdog(runtime::Node& node);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Seen {
    runtime::TurnSeen turn;
    base::Instant since;
    base::Duration excused{0};  // the machine was busy with others
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
