#pragma once
// The counts of one actor during its whole life; any thread reads them without stopping it.
//
// Counts   are exact. The time in handlers is exact too, in ticks of the coarse clock: a short turn sees a tick with a
//          probability equal to its length in ticks.
// Sampled  the histogram (one handler in kSampleEvery), and the oldest waiting message: once the marked message has
//          been handled, the next message that arrives is marked.
// Size     at most 160 bytes. Senders write the first 48, the actor the last 64. The bytes between are seldom written.
//          So senders and the actor write to separate cache lines, at any address that malloc returns.
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "messages/kinds.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime {

inline constexpr std::uint64_t kSampleEvery = 32;  // a power of two; keeps the cost of counting below 5 %

enum class Activity : std::uint8_t {
  running,   ///< handles messages
  waiting,   ///< broke, and waits for its restart
  stopping,  ///< ends; its record ends with it
  paused,    ///< handles no requests and tells, because an operator paused it
};

/// The rates of an actor over some time.
struct Rates {
  double per_second = 0;  ///< messages handled
  double busy = 0;        ///< part of the time in its handlers, 0 to 1
};

/// The oldest sampled message.
struct Head {
  const messages::KindInfo* kind = nullptr;  ///< null: unknown, or none waits
  std::uint64_t from = 0;                    ///< CAF's number of the sender; zero: none
  base::Duration age{0};                     ///< zero: none waits
};

struct Record {
  static constexpr std::size_t kBuckets =
      24;  // bucket i counts [2^i, 2^(i+1)) us; the first also below, the last (8.4 s) also above

  // Written by the senders.
  std::atomic<std::uint64_t> received{0};      ///< admitted to the mailbox; minus `handled`: the mailbox depth
  std::atomic<std::uint64_t> refused_full{0};  ///< requests answered `overloaded` and tells dropped, at the limit
  std::atomic<std::uint64_t> mark_number{0};   ///< the number of the marked message; sampled
  std::atomic<std::int64_t> mark_time{0};      ///< when that message was admitted, nanoseconds of the node's clock
  std::atomic<const messages::KindInfo*> mark_kind{nullptr};
  std::atomic<std::uint64_t> mark_from{0};  ///< CAF's number of its sender

  // Written by the actor once a second or for one message in many.
  std::array<std::atomic<std::uint8_t>, kBuckets> histogram{};  ///< of timed handlers; halved when a bucket is full
  /// The counts at two instants, a second or more apart. Only differences matter, so wrapping does no harm.
  struct Window {
    std::atomic<std::uint32_t> at_ms{0};
    std::atomic<std::uint32_t> handled{0};
    std::atomic<std::uint32_t> busy_ms{0};
  };
  Window latest;
  Window before;

  // Written by the actor for each message or turn.
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> answers{0};       ///< responses to its own requests, items and events of streams, and for
                                               ///< the actor of a link the messages that it passes on: all that no
                                               ///< mailbox bounds
  std::atomic<std::uint64_t> busy_nanos{0};    ///< in handlers of all kinds, of messages and timers
  std::atomic<std::uint32_t> dead_letters{0};  ///< expired, unsupported or malformed messages, refused tells
  std::atomic<std::uint32_t> asking{0};        ///< its own requests that wait for a response
  std::atomic<std::uint32_t> restarts{0};
  std::atomic<float> minute_rate{0};  ///< messages per second, over about the last minute before `latest`
  std::atomic<float> minute_busy{0};
  std::atomic<std::uint32_t> starved_ms{0};    ///< since when a stream of this writer lacks credit; zero: none does
  std::atomic<std::uint32_t> restarted_ms{0};  ///< when it was last restarted
  std::atomic<std::uint32_t> turned_ms{0};     ///< when its last turn began or ended
  std::atomic<Activity> activity{Activity::running};
  std::atomic<base::Code> last_error{};  ///< zero: none so far

  /// Adds to a count that only the actor writes: needs no atomic addition.
  template <class T>
  static void count(std::atomic<T>& by_actor, T more = 1) {
    by_actor.store(by_actor.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  /// Returns the number of handled messages of all sorts.
  std::uint64_t done() const {
    return handled.load(std::memory_order_relaxed) + answers.load(std::memory_order_relaxed);
  }

  std::uint64_t depth() const {
    const auto done = handled.load(std::memory_order_relaxed);
    const auto in = received.load(std::memory_order_relaxed);
    return in > done ? in - done : 0;
  }

  /// Called by the sender of the admitted message `number`, so that head() may report the message.
  void mark(std::uint64_t number, base::Instant at, const messages::KindInfo* kind, std::uint64_t from) {
    mark_time.store(at.since_origin().count(), std::memory_order_relaxed);
    mark_kind.store(kind, std::memory_order_relaxed);
    mark_from.store(from, std::memory_order_relaxed);
    mark_number.store(number, std::memory_order_release);  // last: a new number never appears with an old time
  }
  /// Returns the oldest marked message that still waits, or is being handled.
  Head head(base::Instant now) const;

  /// Called by the actor when a turn begins. Ends the current window if it is a second old.
  void begin_turn(base::Instant at);
  /// Called by the actor when the turn ends at `at`, after `length`.
  void end_turn(base::Instant at, base::Duration length);
  /// Called by the actor for a timed handler.
  void sample(base::Duration length);

  /// Returns the rates of the last second, or of the time since the last window. `turn` is when a turn that still runs
  /// began (turns.hpp), because work is recorded only when a turn ends, and a turn may last long.
  Rates rates(base::Instant now, std::optional<base::Instant> turn = std::nullopt) const;
  /// Returns the rates of about the last minute; older seconds have less weight.
  Rates minute(base::Instant now, std::optional<base::Instant> turn = std::nullopt) const;
  /// Returns how long a stream that the actor writes has lacked credit; zero if no stream does.
  base::Duration starved(base::Instant now) const;
  /// Called by the actor at a restart.
  void restarted(base::Instant at);
  /// Returns the time since the last restart; the longest time if there was none.
  base::Duration since_restart(base::Instant now) const;
  /// Returns the percentile `percent` (at most 100) of the handlers' durations, exact to a factor of two; zero before
  /// the first.
  base::Duration quantile(unsigned percent) const;
  base::Duration p99() const { return quantile(99); }
};
static_assert(sizeof(Record) <= 160, "what an actor costs unwatched is bounded");

}  // namespace troupe::runtime
