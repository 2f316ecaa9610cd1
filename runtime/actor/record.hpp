#pragma once
// What is counted about one actor for as long as it lives; read by anybody without stopping it.
//
// Counts are exact, times are sampled: one handler in kSampleEvery is timed. Two cache lines, so that those who
// send and the one who handles do not write to the same.
#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime {

inline constexpr std::uint64_t kSampleEvery = 32;  // a power of two; keeps the cost of counting below 5 %

enum class Activity : std::uint8_t {
  running,   ///< handles messages
  waiting,   ///< broke, and waits for its restart
  stopping,  ///< ends; its record goes with it
};

struct alignas(64) Record {
  // Written by those who send to the actor.
  std::atomic<std::uint64_t> received{0};      ///< admitted to the mailbox; minus `handled`: its depth
  std::atomic<std::uint64_t> refused_full{0};  ///< questions answered `overloaded` and tells dropped, at the limit
  std::atomic<std::uint64_t> mark_number{0};   ///< which message `mark_time` is of; sampled
  std::atomic<std::int64_t> mark_time{0};      ///< when that one was admitted, nanoseconds of the node's clock

  // Written by the actor.
  alignas(64) std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> answers{0};        ///< answers to its own questions and items of streams
  std::atomic<std::uint64_t> sampled{0};        ///< handlers timed
  std::atomic<std::uint64_t> sampled_nanos{0};  ///< their time together
  std::atomic<std::uint64_t> dead_letters{0};   ///< expired, unsupported or malformed messages, refused tells
  std::atomic<std::uint32_t> restarts{0};
  std::atomic<Activity> activity{Activity::running};
  std::atomic<base::Code> last_error{};  ///< zero: none so far

  /// Adds one to a count that only the actor writes: no need for an atomic addition.
  static void count(std::atomic<std::uint64_t>& by_actor) {
    by_actor.store(by_actor.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::uint64_t depth() const {
    const auto done = handled.load(std::memory_order_relaxed);
    const auto in = received.load(std::memory_order_relaxed);
    return in > done ? in - done : 0;
  }
  /// Time spent in handlers so far, extrapolated from the sampled ones.
  base::Duration busy() const {
    const auto timed = sampled.load(std::memory_order_relaxed);
    if (timed == 0) return base::Duration::zero();
    return base::Duration(sampled_nanos.load(std::memory_order_relaxed) / timed *
                          handled.load(std::memory_order_relaxed));
  }
  /// How long the oldest sampled message has waited; zero if none of them waits.
  base::Duration oldest(base::Instant now) const {
    const auto number = mark_number.load(std::memory_order_relaxed);
    const auto since = mark_time.load(std::memory_order_relaxed);
    if (since == 0 || number < handled.load(std::memory_order_relaxed)) return base::Duration::zero();
    return now.since_origin() - base::Duration(since);
  }
};

}  // namespace troupe::runtime
