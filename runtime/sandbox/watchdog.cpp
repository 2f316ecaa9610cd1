#include "runtime/sandbox/watchdog.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/sandbox/cgroup.hpp"

namespace troupe::sandbox {

Watchdog::Watchdog(base::Duration look) : look_(look), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Watchdog::watch(Key program, int life, int quota, std::uint64_t wait) {
  const std::lock_guard lock(mutex_);
  const auto [at, added] = watched_.try_emplace(program, Watched{life, quota, wait});
  at->second.wait = wait;
}

bool Watchdog::forget(Key program) {
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(program);
  if (at == watched_.end()) return false;
  const bool ended = at->second.ended;
  watched_.erase(at);
  return ended;
}

void Watchdog::end_longest() {
  const std::lock_guard lock(mutex_);
  if (since_last_ > kPatienceLooks) end_next();
}

void Watchdog::run() {
  std::uint64_t seen = 0;
  int looks = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_, [this] { return closing_; })) {
    const std::uint64_t turn = turn_;
    looks = turn == seen ? looks + 1 : 0;
    seen = turn;
    if (since_last_ < kCalmLooks) ++since_last_;
    else next_ = 1;
    if (looks >= kStuckLooks && (since_last_ > kPatienceLooks || ended_are_gone())) end_next();
  }
}

bool Watchdog::ended_are_gone() const {
  return std::ranges::all_of(watched_, [](const auto& one) {
    pollfd life{one.second.life, POLLIN, 0};
    return !one.second.ended || ::poll(&life, 1, 0) == 1;
  });
}

void Watchdog::end_next() {
  std::size_t ended = 0;
  for (; ended < next_; ++ended) {
    auto longest = watched_.end();
    for (auto at = watched_.begin(); at != watched_.end(); ++at)
      if (!at->second.ended && (longest == watched_.end() || at->second.wait > longest->second.wait)) longest = at;
    if (longest == watched_.end()) break;
    longest->second.ended = true;
    ::syscall(SYS_pidfd_send_signal, longest->second.life, SIGKILL, nullptr, 0);
    lift(longest->second.quota);
  }
  if (ended == 0) return;
  next_ *= 2;
  since_last_ = 0;
}

}  // namespace troupe::sandbox
