#include "actors/escrow/logic/arbiters.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {

Reveal book_bytes(const Reveal& secret, std::size_t round) {
  base::ensure(round <= kRoundsMax, "no more arbiters are drawn than may");
  Reveal out = secret;
  for (; round < kRoundsMax; ++round) out = Reveal{commitment_of(out).bytes};
  return out;
}

base::Digest draw_seed(const EscrowId& id, const Reveal& buyer, const Reveal& provider, const Reveal& book) {
  base::Bytes parts;
  for (const base::ByteView one : {id.view(), buyer.view(), provider.view(), book.view()}) base::append(parts, one);
  return crypto::sha256(parts);
}

Amount settled_bonds(std::span<const Arbiter> candidates, const Agreement& agreement, UnixMs now) {
  Amount out;
  for (const Arbiter& one : candidates)
    if (one.address != agreement.buyer && one.address != agreement.provider && one.since + kSettledAfter <= now)
      out = plus(out, one.bond).value_or(out);
  return out;
}

std::optional<Arbiter> draw(const base::Digest& seed, std::size_t round, std::span<const Arbiter> candidates,
                            std::span<const Address> excluded, Amount whole) {
  base::ensure(candidates.size() <= kArbitersMax, "no more arbiters have joined than may");
  std::vector<Arbiter> eligible;
  wallet::Wide total = 0;
  for (const Arbiter& one : candidates) {
    if (one.bond == Amount() || std::ranges::find(excluded, one.address) != excluded.end()) continue;
    eligible.push_back(one);
    total += one.bond.units();
  }
  if (eligible.empty()) return std::nullopt;
  std::ranges::sort(eligible, {}, &Arbiter::address);
  base::Bytes number;
  base::append_number(number, static_cast<std::uint8_t>(round));
  const base::Digest hash = crypto::sha256(base::as_bytes("troupe draw v1"), seed.view(), number);
  wallet::Wide at = 0;
  for (std::size_t i = 0; i < 16; ++i) at = at << 8 | hash.bytes[i];
  at %= std::max(total, wallet::Wide{whole.units()});
  for (const Arbiter& one : eligible) {
    if (at < one.bond.units()) return one;
    at -= one.bond.units();
  }
  return std::nullopt;
}

}  // namespace troupe::escrow
