#include "runtime/os/watchdog.hpp"

namespace troupe::os {

Watchdog::Watchdog(runtime::Node& node) : node_(node), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPeriod, [this] { return ending_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void Watchdog::look() {
  const base::Instant now = node_.world().clock.now();
  // If this thread did not run in time, neither did the threads that it watches: that is not their fault.
  const base::Duration late = looked_ == base::Instant{} ? base::Duration::zero() : now - looked_ - kPeriod;
  looked_ = now;
  std::map<std::uint64_t, Seen> still;
  std::vector<runtime::LongTurn> stuck;
  for (const runtime::TurnSeen& turn : runtime::turns()) {
    const auto known = threads_.find(turn.thread);
    const bool same =
        known != threads_.end() && known->second.turn.record == turn.record && known->second.turn.number == turn.number;
    Seen seen = same ? known->second : Seen{turn, now};
    if (same && late > kPeriod / 2) seen.excused = seen.excused + late;
    const base::Duration length = now - seen.since - seen.excused;
    if (now - seen.since >= kStuck) stuck.push_back({turn.record, turn.kind, seen.since});
    if (!turn.may_block && length >= runtime::kSlowHandler && length >= 2 * seen.told) {
      sound(seen, length);
      seen.told = length;
    }
    still.emplace(turn.thread, seen);
  }
  threads_ = std::move(still);
  node_.set_long_turns(std::move(stuck));
}

void Watchdog::sound(const Seen& seen, base::Duration length) {
  // Other nodes of this process have other actors, which are not found here.
  runtime::Registry::Cursor place;
  std::string path;
  while (!place.at_end() && path.empty()) {
    node_.registry().walk_on(place, [&](const runtime::Listing& one) {
      if (one.record.get() == seen.turn.record) path = one.path;
    });
  }
  if (path.empty()) return;
  const std::string_view what = seen.turn.kind != nullptr ? seen.turn.kind->name : std::string_view("a timer");
  const base::Instant now = node_.world().clock.now();
  if (seen.told == base::Duration::zero()) node_.alarms().sound(runtime::Alarm::slow_handler, path, length, now, what);
  else node_.alarms().lasts(runtime::Alarm::slow_handler, path, length, now, what);
}

}  // namespace troupe::os
