#pragma once
// What each thread that runs actors is doing: to find a handler that does not return, from outside.
//
// Cost    two stores per message into the thread's own cache line; no clock, no lock.
// Safety  a thread writes its own entry; any thread reads all. A Record is only compared, never followed, because its
//         actor may have ended since.
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime {

struct Record;

/// The entry of one thread.
struct alignas(64) Turn {
  std::atomic<const Record*> record{nullptr};            ///< of the actor that runs there; null: none
  std::atomic<std::uint64_t> number{0};                  ///< grows with each message: two scans compare it
  std::atomic<const messages::KindInfo*> kind{nullptr};  ///< of the message in the handler; null: no message
  std::atomic<bool> may_block{false};                    ///< the actor has its own thread
  std::atomic<base::Duration::rep> began{0};             ///< by the coarse clock of the node

  void begin(const Record* actor, bool blocks, base::Instant at) {
    set_began(at);
    may_block.store(blocks, std::memory_order_relaxed);
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    record.store(actor, std::memory_order_release);
  }
  base::Instant began_at() const { return base::Instant(base::Duration(began.load(std::memory_order_relaxed))); }
  void set_began(base::Instant at) { began.store(at.since_origin().count(), std::memory_order_relaxed); }
  void end() {
    kind.store(nullptr, std::memory_order_relaxed);
    record.store(nullptr, std::memory_order_release);
  }
  void next(const messages::KindInfo* message) {
    kind.store(message, std::memory_order_relaxed);
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

/// Creates the entry of the calling thread.
Turn& make_turn_here();
inline thread_local constinit Turn* turn_here_ = nullptr;  // a plain pointer: needs no initialisation guard

/// Returns the entry of the calling thread; valid as long as the thread lives.
inline Turn& turn_here() {
  if (turn_here_ == nullptr) [[unlikely]]
    turn_here_ = &make_turn_here();
  return *turn_here_;
}

/// What a thread is doing now.
struct TurnSeen {
  std::uint64_t thread = 0;  ///< number of the thread within the process
  const Record* record = nullptr;
  std::uint64_t number = 0;
  const messages::KindInfo* kind = nullptr;
  bool may_block = false;
  base::Instant began;  ///< start of the turn, or of the part of it that the record does not include yet
};

/// Returns the threads that run an actor at this moment.
std::vector<TurnSeen> turns();

/// Returns when the turn of that actor began, if it is in `seen`.
std::optional<base::Instant> turn_of(const Record* record, const std::vector<TurnSeen>& seen);

/// A message that has been in its handler for long.
struct LongTurn {
  const Record* record = nullptr;            ///< of the actor; only for comparison
  const messages::KindInfo* kind = nullptr;  ///< null: a timer or an event of a stream
  base::Instant since;                       ///< it has been there at least since then
};

}  // namespace troupe::runtime
