#include "runtime/sandbox/watchdog.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>

namespace troupe::sandbox {
namespace {

/// Writes to the stack below the caller, so that a call from there takes no new page.
[[gnu::noinline]] void take_stack() {
  constexpr std::size_t kPage = 4'096;
  [[maybe_unused]] volatile char below[kPage];
  below[0] = 0;
  below[kPage - 1] = 0;
}

}  // namespace

struct Watchdog::State {
  struct Watched {
    Key program = 0;
    int life = -1;
    CoreFiles cores;
    std::uint64_t wait = 0;
    bool ended = false;
  };

  explicit State(base::Duration every) : look(every) {}

  std::span<Watched> all() { return {watched.data(), count}; }
  Watched* find(Key program) {
    const auto at = std::ranges::find(all(), program, &Watched::program);
    return at == all().end() ? nullptr : &*at;
  }
  void run();
  void end_next();
  static void end(Watched& program);
  /// Whether all are gone that it has ended.
  bool ended_are_gone();

  const base::Duration look;
  std::atomic<std::uint64_t> turn{0};
  std::mutex mutex;
  std::condition_variable wake;
  bool closing = false;
  std::size_t next = 1;         // how many are ended together
  int since_last = kCalmLooks;  // looks
  std::size_t count = 0;
  std::array<Watched, kWatchedMax> watched;
};

/// The launcher's. It keeps nothing locked while it takes memory.
class Watchdog::Locked {
 public:
  explicit Locked(State& state) : state_(state) {
    take_stack();
    state_.mutex.lock();
  }
  ~Locked() { state_.mutex.unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  State& state_;
};

Watchdog::Watchdog(base::Duration look)
    : pages_(sizeof(State)), state_(std::construct_at(static_cast<State*>(pages_.begin()), look)) {
  thread_.emplace(*state_);
}

Watchdog::~Watchdog() {
  {
    const Locked locked(*state_);
    state_->closing = true;
  }
  state_->wake.notify_one();
  thread_.reset();
  std::destroy_at(state_);
}

void Watchdog::next_turn() { ++state_->turn; }

bool Watchdog::watch(Key program, int life, CoreFiles cores, std::uint64_t wait) {
  const Locked locked(*state_);
  State::Watched* const there = state_->find(program);
  if (there == nullptr) {
    if (state_->count < kWatchedMax) state_->watched[state_->count++] = {program, life, cores, wait};
    return false;
  }
  there->wait = wait;
  return there->ended;
}

bool Watchdog::forget(Key program) {
  const Locked locked(*state_);
  State::Watched* const there = state_->find(program);
  if (there == nullptr) return false;
  const bool ended = there->ended;
  *there = state_->watched[--state_->count];
  return ended;
}

void Watchdog::end_longest() {
  const Locked locked(*state_);
  if (state_->since_last > kPatienceLooks) state_->end_next();
}

void Watchdog::end(Key program) {
  const Locked locked(*state_);
  State::Watched* const there = state_->find(program);
  if (there != nullptr && !there->ended) State::end(*there);
}

void Watchdog::State::run() {
  std::uint64_t seen = 0;
  int looks = 0;
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, look, [this] { return closing; })) {
    const std::uint64_t now = turn;
    looks = now == seen ? looks + 1 : 0;
    seen = now;
    if (since_last < kCalmLooks) ++since_last;
    else next = 1;
    Watched none;
    end(none);
    if (looks >= kStuckLooks && (since_last > kPatienceLooks || ended_are_gone())) end_next();
  }
}

bool Watchdog::State::ended_are_gone() {
  return std::ranges::all_of(all(), [](const Watched& one) {
    pollfd life{one.life, POLLIN, 0};
    return !one.ended || ::poll(&life, 1, 0) == 1;
  });
}

void Watchdog::State::end_next() {
  std::size_t ended = 0;
  for (; ended < next; ++ended) {
    Watched* longest = nullptr;
    for (Watched& one : all())
      if (!one.ended && (longest == nullptr || one.wait > longest->wait)) longest = &one;
    if (longest == nullptr) break;
    end(*longest);
  }
  if (ended == 0) return;
  next *= 2;
  since_last = 0;
}

void Watchdog::State::end(Watched& program) {
  program.ended = true;
  ::syscall(SYS_pidfd_send_signal, program.life, SIGKILL, nullptr, 0);
  hurry(program.cores);
}

}  // namespace troupe::sandbox
