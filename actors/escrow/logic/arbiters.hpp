#pragma once
// The draw of an arbiter: by a seed that both parties have fixed beforehand, weighted by bonds, verifiable later.
//
// Seed    SHA-256(id || the buyer's bytes || the provider's bytes); of a silent party 32 zeros. The party that reveals
//         last can choose between two draws: its own bytes, or zeros.
// Draw    of the candidates in ascending order of addresses, without the parties and those that were drawn before: the
//         one in whose stretch of bonds lies SHA-256("troupe draw v1" || seed || round), its first 16 bytes big-endian,
//         modulo the sum of bonds. The sum is below 2^73, so that the remainder is even to one part in 2^55.
#include <span>

#include "actors/escrow/logic/agreement.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRoundsMax = 3;
inline constexpr std::size_t kArbitersMax = 1'000;  // our choice: more do not join

struct Arbiter {
  Address address;
  Amount bond;
  friend bool operator==(const Arbiter&, const Arbiter&) = default;
};

base::Digest draw_seed(const EscrowId& id, const Reveal& buyer, const Reveal& provider);

/// Nothing if there is none to draw. `candidates` in any order, different; at most kArbitersMax.
std::optional<Arbiter> draw(const base::Digest& seed, std::size_t round, std::span<const Arbiter> candidates,
                            std::span<const Address> excluded);

}  // namespace troupe::escrow
