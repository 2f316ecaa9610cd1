#pragma once
// Draws an arbiter by a seed that both parties and the book fix beforehand, weighted by bonds, verifiable later.
//
// Seed    SHA-256(id || the buyer's bytes || the provider's bytes || the book's bytes of the round); 32 zeros for a
//         silent party. Each of the three commits to its bytes in the log before it can know the others'.
// Book    the bytes of each round are the SHA-256 of the next round's bytes. So one commitment is enough, and a past
//         draw says nothing about the next.
// Whole   the sum of the bonds that had existed for kSettledAfter at the proposal, even if some have left since. So a
//         bond buys only its part, even if many bonds are made to leave. A draw beyond the remaining bonds draws no
//         arbiter. Younger bonds count while they exist: a bond that comes and goes with a proposal leaves no gap.
// Draw    among the candidates, sorted by address, without the parties and earlier arbiters: SHA-256("troupe draw v1"
//         || seed || round), its first 16 bytes big-endian, modulo the whole, falls into the stretch of one bond. The
//         whole is below 2^73, so the remainder is uniform to one part in 2^55.
#include <span>

#include "actors/escrow/logic/agreement.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRoundsMax = 3;
inline constexpr std::size_t kArbitersMax = 1'000;  // our choice: no further arbiters join

struct Arbiter {
  Address address;
  Amount bond;
  UnixMs since{0};  ///< when it joined
  friend bool operator==(const Arbiter&, const Arbiter&) = default;
};

inline constexpr UnixMs kSettledAfter = std::chrono::hours(24 * 7);  // our choice: nobody borrows money for so long
/// Returns the sum of settled bonds, without the two parties.
Amount settled_bonds(std::span<const Arbiter> candidates, const Agreement& agreement, UnixMs now);

/// Returns the bytes that the book shows for the draw of that round, from its secret; for round 0 its commitment.
Reveal book_bytes(const Reveal& secret, std::size_t round);

base::Digest draw_seed(const EscrowId& id, const Reveal& buyer, const Reveal& provider, const Reveal& book);

/// Returns nullopt if the draw falls on no candidate. `candidates` are different, in any order, at most kArbitersMax.
/// If `whole` is below the sum of their bonds, that sum is used.
std::optional<Arbiter> draw(const base::Digest& seed, std::size_t round, std::span<const Arbiter> candidates,
                            std::span<const Address> excluded, Amount whole = {});

}  // namespace troupe::escrow
