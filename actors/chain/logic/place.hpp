#pragma once
// The position of a consensus message in a chain's history: fork, height, round and step.
#include <chrono>
#include <compare>
#include <cstdint>
#include <string_view>

namespace troupe::chain {

/// Milliseconds since 1970, as in blocks; also used for durations.
using UnixMs = std::chrono::milliseconds;

/// A counter. Only counters with the same `Tag` can be compared.
template <class Tag, class Value>
struct Count {
  Value value = 0;

  friend constexpr auto operator<=>(const Count&, const Count&) = default;
  constexpr Count next() const { return Count{static_cast<Value>(value + 1)}; }
};

using Fork = Count<struct ForkTag, std::uint32_t>;      ///< incremented by each `chain resume`
using Height = Count<struct HeightTag, std::uint64_t>;  ///< of a block; genesis is 0
using Round = Count<struct RoundTag, std::uint32_t>;    ///< an attempt to decide a height, from 0

/// Our choice: a height needs 100,000 rounds only if over a third of the power is malicious. Larger rounds are refused.
inline constexpr Round kRoundMax{100'000};

struct Place {
  Fork fork;
  Height height;
  Round round;

  friend auto operator<=>(const Place&, const Place&) = default;
};

/// The steps of a round, in this order. The numbers are signed and stored.
enum class Step : std::uint8_t { propose = 0, prevote = 1, precommit = 2 };

constexpr std::string_view name(Step step) {
  return step == Step::propose ? "propose" : step == Step::prevote ? "prevote" : "precommit";
}

}  // namespace troupe::chain
