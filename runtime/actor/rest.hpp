#pragma once
// Whether anything happens in a node: an actor that scans all others (the watcher) can wait while nothing changes.
//
// States  stirred: since begin(), an actor has run or an alarm was raised. Quiet: neither happened. Resting: quiet, and
//         the watcher waits for the next event.
// Cost    one comparison per turn of an actor; the watcher's own turns are not counted (Actor::note_stirs).
// Limits  one watcher per node; the latest call of wait() counts.
// Safety  any thread.
#include <atomic>
#include <caf/actor_addr.hpp>
#include <cstdint>
#include <mutex>

#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

struct TimerInfo;

class Rest {
 public:
  /// Records that an actor begins a turn.
  void stir() {
    if (state_.load(std::memory_order_relaxed) != State::stirred) [[unlikely]]
      end();
  }
  /// Starts to record events.
  void begin() { state_.store(State::quiet); }
  /// Whether nothing has happened since begin().
  bool quiet() const { return state_.load() == State::quiet; }
  /// Notifies `watcher` once when something happens after begin(), at once if it already has. Its shell waits for the
  /// timer `tag` with this `number`.
  void wait(const Handle& watcher, const TimerInfo* tag, std::uint64_t number);

 private:
  enum class State : std::uint8_t { stirred, quiet, resting };
  void end();
  void tell();

  alignas(64) std::atomic<State> state_{State::stirred};
  std::mutex lock_;
  caf::actor_addr watcher_;  // a weak reference: it may end while the node rests
  const TimerInfo* tag_ = nullptr;
  std::uint64_t number_ = 0;
};

}  // namespace troupe::runtime
