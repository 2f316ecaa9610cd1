#pragma once
// Who gets what: the shares of each way in which an escrow can end.
//
// Fund  its part is floor(released / 20), counted over the total: a thousand milestones pay as one payment does.
#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::uint64_t kFundShare = 20;    // one part in 20 of what is released
inline constexpr std::uint64_t kArbiterShare = 5;  // one part in 5 of the loser's bond, rounded up
inline constexpr std::uint64_t kArbiterFee = 100;  // without bonds: one part in 100 of the price

/// What is to be paid now so that `total` is released, to provider and fund. `total` is at least what is released.
Payouts release_to(const Escrow& escrow, Amount total, const base::Mutations& mutations);

/// Whether at that time less than a tenth of what was planned is left until a date: then the act before it is refused.
bool is_late(const Escrow& escrow, const Due& next, UnixMs at);

/// The end at which `total` of the price is released, the rest is refunded, and both bonds go back.
Outcome ended_with(const Escrow& escrow, Amount total, const base::Mutations& mutations);

/// The start or the delivery was missed: the buyer has back what is left, and both bonds. Not if it could not have been
/// made in time (is_late()), as the buyer paid late, or by the dates of the agreement: then bonds go back.
Outcome missed(const Escrow& escrow, const base::Mutations& mutations);

/// The arbiter has ruled `total`. The buyer has lost if twice that is the price or more, otherwise the provider.
Outcome ruled(const Escrow& escrow, Amount total, const Address& arbiter, const base::Mutations& mutations);

/// No arbiter is left to rule: half of what is left to the provider, the rest refunded, bonds back.
Outcome unruled(const Escrow& escrow, const base::Mutations& mutations);

/// What was paid in goes back, before anything began.
Outcome all_back(const Escrow& escrow);

}  // namespace troupe::escrow
