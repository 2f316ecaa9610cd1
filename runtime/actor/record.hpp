#pragma once
// What is counted about one actor for as long as it lives; read by anybody without stopping it.
//
// Counts   are exact. The time in handlers is exact too, in ticks of the coarse clock: a turn that is shorter than a
//          tick sees one as often as its length is a part of it.
// Sampled  the histogram (one handler in kSampleEvery), and the oldest message: when the one that was marked has been
//          handled, the next one that comes is.
// Size     at most 160 bytes. Those who send write the first 48, the one who handles the last 64; what lies between is
//          seldom written, so that at any address that malloc returns the two write to cache lines of their own.
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
  stopping,  ///< ends; its record goes with it
  paused,    ///< handles no question and no tell, for an operator
};

/// Of an actor over some time.
struct Rates {
  double per_second = 0;  ///< messages handled
  double busy = 0;        ///< share of the time in its handlers, 0 to 1
};

/// The message that the oldest one sampled is known by.
struct Head {
  const messages::KindInfo* kind = nullptr;  ///< null: not known, or none waits
  std::uint64_t from = 0;                    ///< CAF's number of the sender; zero: nobody
  base::Duration age{0};                     ///< zero: none waits
};

struct Record {
  static constexpr std::size_t kBuckets =
      24;  // of [2^i, 2^(i+1)) us; the first also below, the last (8.4 s) also above

  // Written by those who send to the actor.
  std::atomic<std::uint64_t> received{0};      ///< admitted to the mailbox; minus `handled`: its depth
  std::atomic<std::uint64_t> refused_full{0};  ///< questions answered `overloaded` and tells dropped, at the limit
  std::atomic<std::uint64_t> mark_number{0};   ///< which message the rest of the mark is of; sampled
  std::atomic<std::int64_t> mark_time{0};      ///< when that one was admitted, nanoseconds of the node's clock
  std::atomic<const messages::KindInfo*> mark_kind{nullptr};
  std::atomic<std::uint64_t> mark_from{0};  ///< CAF's number of its sender

  // Written by the actor once a second or for one message in many.
  std::array<std::atomic<std::uint8_t>, kBuckets> histogram{};  ///< of handlers timed; halved when one is full
  /// The counts at two instants, a second or more apart. Differences count, so wrapping does no harm.
  struct Window {
    std::atomic<std::uint32_t> at_ms{0};
    std::atomic<std::uint32_t> handled{0};
    std::atomic<std::uint32_t> busy_ms{0};
  };
  Window latest;
  Window before;

  // Written by the actor for each message or turn.
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> answers{0};       ///< answers to its own questions, items and events of streams, and for
                                               ///< the actor of a link what it passes on: all that no mailbox bounds
  std::atomic<std::uint64_t> busy_nanos{0};    ///< in handlers of all kinds, of messages and timers
  std::atomic<std::uint32_t> dead_letters{0};  ///< expired, unsupported or malformed messages, refused tells
  std::atomic<std::uint32_t> asking{0};        ///< questions of its own that wait for an answer
  std::atomic<std::uint32_t> restarts{0};
  std::atomic<float> minute_rate{0};  ///< messages a second, of about the last minute before `latest`
  std::atomic<float> minute_busy{0};
  std::atomic<std::uint32_t> starved_ms{0};    ///< since when a stream that it writes lacks credit; zero: none does
  std::atomic<std::uint32_t> restarted_ms{0};  ///< when it was last restarted
  std::atomic<std::uint32_t> turned_ms{0};     ///< when its last turn began or ended
  std::atomic<Activity> activity{Activity::running};
  std::atomic<base::Code> last_error{};  ///< zero: none so far

  /// Adds one to a count that only the actor writes: no need for an atomic addition.
  template <class T>
  static void count(std::atomic<T>& by_actor, T more = 1) {
    by_actor.store(by_actor.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  /// Messages of all sorts that it has handled.
  std::uint64_t done() const {
    return handled.load(std::memory_order_relaxed) + answers.load(std::memory_order_relaxed);
  }

  std::uint64_t depth() const {
    const auto done = handled.load(std::memory_order_relaxed);
    const auto in = received.load(std::memory_order_relaxed);
    return in > done ? in - done : 0;
  }

  /// For the sender of message `number`, which was admitted: it may be the one that oldest() speaks of.
  void mark(std::uint64_t number, base::Instant at, const messages::KindInfo* kind, std::uint64_t from) {
    mark_time.store(at.since_origin().count(), std::memory_order_relaxed);
    mark_kind.store(kind, std::memory_order_relaxed);
    mark_from.store(from, std::memory_order_relaxed);
    mark_number.store(number, std::memory_order_release);  // last: a new number never stands beside an old time
  }
  /// The oldest message marked that still waits, or is being handled.
  Head head(base::Instant now) const;

  /// For the actor, as a turn begins: closes a window that is a second old.
  void begin_turn(base::Instant at);
  /// And as it ends at `at`, having lasted `length`.
  void end_turn(base::Instant at, base::Duration length);
  /// For the actor: a handler that was timed.
  void sample(base::Duration length);

  /// Of the last second, or of the time since then if nothing came. `turn` is when the turn began that runs, if one
  /// does (turns.hpp): what an actor does is noted as its turn ends, and a busy one ends none for long.
  Rates rates(base::Instant now, std::optional<base::Instant> turn = std::nullopt) const;
  /// Of about the last minute: older seconds count less and less.
  Rates minute(base::Instant now, std::optional<base::Instant> turn = std::nullopt) const;
  /// For how long a stream that it writes has lacked credit; zero: none does.
  base::Duration starved(base::Instant now) const;
  /// For the actor: it begins anew.
  void restarted(base::Instant at);
  /// How long ago that was last; the longest time if never.
  base::Duration since_restart(base::Instant now) const;
  /// The time that `percent` of 100 handlers stay below, to a factor of two; zero before one was timed. 100: all.
  base::Duration quantile(unsigned percent) const;
  base::Duration p99() const { return quantile(99); }
};
static_assert(sizeof(Record) <= 160, "what an actor costs unwatched is bounded");

}  // namespace troupe::runtime
