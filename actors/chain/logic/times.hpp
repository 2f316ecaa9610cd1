#pragma once
// The durations of consensus: step timeouts, and how far a block's time may differ from a validator's clock.
//
// Growth  each round adds half of the first duration, up to kSpanMax, so some round is long enough for any delay.
// Source  arXiv 1807.04938, section 3 (time-outs); CometBFT, spec/consensus/proposer-based-timestamp (the other two).
#include <algorithm>

#include "actors/chain/logic/parameters.hpp"
#include "actors/chain/logic/place.hpp"

namespace troupe::chain {

inline constexpr UnixMs kSpanMax = std::chrono::hours{1};  // our choice: the next attempt should be on the same day

struct Times {
  UnixMs propose{1'000};  ///< consensus.propose_ms; this and the next two: our choice, for a worldwide network
  UnixMs prevote{500};    ///< consensus.prevote_ms
  UnixMs precommit{500};  ///< consensus.precommit_ms
  UnixMs precision{500};  ///< block.precision_ms: largest difference between two clocks
  UnixMs delay{2'000};    ///< block.delay_ms: transit time of a proposal

  friend bool operator==(const Times&, const Times&) = default;
};

Times times_of(const Parameters& parameters);

/// Returns the duration for `round`. Durations outside 0 to kSpanMax are clamped.
constexpr UnixMs grown(UnixMs first, Round round) {
  first = std::clamp(first, UnixMs{0}, kSpanMax);
  return std::min(kSpanMax, first + first * static_cast<std::int64_t>(round.value) / 2);
}

constexpr UnixMs timeout_of(const Times& times, Step step, Round round) {
  return grown(step == Step::propose ? times.propose : step == Step::prevote ? times.prevote : times.precommit, round);
}

/// Returns the time of a block that a validator builds at `now`. If the last block's date is later (clocks were ahead
/// and were set right), each block follows by 1 ms until that date.
constexpr UnixMs next_time(UnixMs parent, UnixMs now) { return std::max(parent + UnixMs{1}, now); }

/// Whether a block with this time may be proposed for the first time in `round`; `received` is the clock at the
/// proposal's arrival. The earliest time after `parent` is never too early: an honest proposer has no earlier choice.
constexpr bool timely(const Times& times, UnixMs parent, UnixMs block, UnixMs received, Round round) {
  const UnixMs precision = grown(times.precision, round), delay = grown(times.delay, round);
  return block <= next_time(parent, received + precision) && received <= block + delay + precision;
}

}  // namespace troupe::chain
