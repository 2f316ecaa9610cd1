#include "runtime/sandbox/watchdog.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

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

void Watchdog::watch(Key program, int life, std::uint64_t wait) {
  const std::lock_guard lock(mutex_);
  const auto [at, added] = watched_.try_emplace(program, Watched{life, wait});
  at->second.wait = wait;
}

void Watchdog::forget(Key program) {
  const std::lock_guard lock(mutex_);
  watched_.erase(program);
}

void Watchdog::end_longest() {
  const std::lock_guard lock(mutex_);
  if (!has_ended_) end_one();
}

std::vector<Watchdog::Key> Watchdog::ended() {
  std::vector<Key> out;
  const std::lock_guard lock(mutex_);
  if (!std::exchange(has_ended_, false)) return out;
  for (const auto& [program, one] : watched_)
    if (one.ended) out.push_back(program);
  return out;
}

void Watchdog::run() {
  std::uint64_t seen = 0;
  int looks = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_, [this] { return closing_; })) {
    const std::uint64_t turn = turn_;
    looks = turn % 2 == 1 && turn == seen ? looks + 1 : 0;
    seen = turn;
    if (looks >= kStuckLooks) end_one();
  }
}

void Watchdog::end_one() {
  Watched* longest = nullptr;
  for (auto& [program, one] : watched_)
    if (!one.ended && (longest == nullptr || one.wait > longest->wait)) longest = &one;
  if (longest == nullptr) return;
  longest->ended = has_ended_ = true;
  ::syscall(SYS_pidfd_send_signal, longest->life, SIGKILL, nullptr, 0);
}

}  // namespace troupe::sandbox
