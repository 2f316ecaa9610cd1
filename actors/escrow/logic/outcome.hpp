#pragma once
// The shares of buyer, provider, fund and arbiter in each outcome of an escrow.
//
// Fund  gets floor(released / 20), counted over the total: a thousand milestones pay the same as one payment.
#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::uint64_t kFundShare = 20;    // one part in 20 of the released sum
inline constexpr std::uint64_t kArbiterShare = 5;  // one part in 5 of the loser's bond, rounded up
inline constexpr std::uint64_t kArbiterFee = 100;  // without bonds: one part in 100 of the price

/// Returns the payouts to provider and fund that raise the released sum to `total`, which is at least that sum.
Payouts release_to(const Escrow& escrow, Amount total, const base::Mutations& mutations);

/// Returns whether at that time less than a tenth of the planned time is left until a date: then the act is refused.
bool is_late(const Escrow& escrow, const Due& next, UnixMs at);

/// Returns the outcome with `total` of the price released, the rest refunded, and both bonds back.
Outcome ended_with(const Escrow& escrow, Amount total, const base::Mutations& mutations);

/// Returns the outcome of a missed start or delivery: the buyer gets the rest and both bonds. If the provider could not
/// make it in time (is_late()), because the buyer paid late or by the dates of the agreement, bonds go back.
Outcome missed(const Escrow& escrow, const base::Mutations& mutations);

/// Returns the outcome of a ruling of `total`. The buyer has lost if twice `total` is at least the price, otherwise the
/// provider.
Outcome ruled(const Escrow& escrow, Amount total, const Address& arbiter, const base::Mutations& mutations);

/// Returns the outcome without an arbiter: half of the rest to the provider, the other half refunded, bonds back.
Outcome unruled(const Escrow& escrow, const base::Mutations& mutations);

/// Returns the outcome before anything began: all deposits go back.
Outcome all_back(const Escrow& escrow);

}  // namespace troupe::escrow
