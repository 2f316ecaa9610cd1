#pragma once
// The draw of an arbiter: by a seed that both parties have fixed beforehand, weighted by bonds, verifiable later.
//
// Seed    SHA-256(id || the buyer's bytes || the provider's bytes || the book's bytes of the round); of a silent party
//         32 zeros. Each has committed to its bytes in the log before it could know those of the others.
// Book    each bytes of its rounds are the SHA-256 of the next ones, so that one commitment is enough, and a round that
//         was drawn tells nothing of the next.
// Whole   the bonds that had been there for kSettledAfter when the escrow was proposed, however many are left. So a
//         bond buys its part of them, even if many other bonds are made to leave. A draw beyond the bonds that are left
//         draws no arbiter. Younger bonds count while they are there: a bond that comes and goes with a proposal leaves
//         no gap.
// Draw    of the candidates in ascending order of addresses, without the parties and those that were drawn before: the
//         one in whose stretch of bonds lies SHA-256("troupe draw v1" || seed || round), its first 16 bytes big-endian,
//         modulo the whole. The sum is below 2^73, so that the remainder is even to one part in 2^55.
#include <span>

#include "actors/escrow/logic/agreement.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRoundsMax = 3;
inline constexpr std::size_t kArbitersMax = 1'000;  // our choice: more do not join

struct Arbiter {
  Address address;
  Amount bond;
  UnixMs since{0};  ///< it has been one
  friend bool operator==(const Arbiter&, const Arbiter&) = default;
};

inline constexpr UnixMs kSettledAfter = std::chrono::hours(24 * 7);  // our choice: money is not borrowed for so long
/// Of all but the two parties.
Amount settled_bonds(std::span<const Arbiter> candidates, const Agreement& agreement, UnixMs now);

/// What the book shows for the draw of that round, from its secret; at 0 what it commits to.
Reveal book_bytes(const Reveal& secret, std::size_t round);

base::Digest draw_seed(const EscrowId& id, const Reveal& buyer, const Reveal& provider, const Reveal& book);

/// Nothing if none is drawn. `candidates` in any order, different; at most kArbitersMax. `whole`: less than their sum
/// counts as that.
std::optional<Arbiter> draw(const base::Digest& seed, std::size_t round, std::span<const Arbiter> candidates,
                            std::span<const Address> excluded, Amount whole = {});

}  // namespace troupe::escrow
