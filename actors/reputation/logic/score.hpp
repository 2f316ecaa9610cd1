#pragma once
// How good a node is, from 0 to 100 points, in thousandths of a point.
//
// Fold     an event adds its points to the score of its day, within 0 and 100. A node without events has kStart.
// Decay    a score's distance from kStart halves every 90 days, counted in whole days of Unix time. The factor of d
//          days comes from a table of 90 numbers of 32 bits, rounded down, and halving: the same on every machine.
// Rounded  half up, for people.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>

#include "actors/reputation/logic/event.hpp"

namespace troupe::reputation {

using Thousandths = std::int32_t;
inline constexpr Thousandths kPoint = 1'000;
inline constexpr Thousandths kStart = 10 * kPoint;
inline constexpr Thousandths kMost = 100 * kPoint;
inline constexpr std::uint64_t kHalfLifeDays = 90;
inline constexpr std::uint64_t kDayMs = 86'400'000;

inline int points(Thousandths score) { return (score + kPoint / 2) / kPoint; }

/// Returns the score after that many days.
Thousandths decayed(Thousandths score, std::uint64_t days);

struct Score {
  Thousandths value = kStart;  ///< on `day`
  std::uint64_t day = 0;       ///< of the last event
  std::uint32_t events = 0;
  /// The last event. If an older event arrives, it and all later events are folded again.
  std::uint64_t last_ms = 0;
  EventId last{};

  /// Returns the score on that day, or on the day of the last event if that is later.
  Thousandths on(std::uint64_t at_day) const { return decayed(value, at_day > day ? at_day - day : 0); }
  bool is_late(std::uint64_t unix_ms, const EventId& id) const {
    return events > 0 && std::pair(unix_ms, id) <= std::pair(last_ms, last);
  }
  /// Folds an event that is not late. Returns whether the score was cut at 0 or 100.
  bool fold(const Event& event, const EventId& id);

  base::Bytes encode() const;
  static std::optional<Score> decode(base::ByteView bytes);
  friend bool operator==(const Score&, const Score&) = default;
};

inline constexpr std::uint32_t kFadingEventsMax = 256;  // our choice: one commit erases them

struct Fading {
  base::NodeId node;
  std::uint32_t events = 0;  ///< number of its events when it was chosen
};
/// Returns at most `count` nodes that may be evicted when the records are full: scores nearest to kStart first, among
/// equals the oldest last event first. Nodes with over kFadingEventsMax events are excluded.
std::deque<Fading> fading(const std::map<base::NodeId, Score>& scores, std::uint64_t day, std::size_t count);

}  // namespace troupe::reputation
