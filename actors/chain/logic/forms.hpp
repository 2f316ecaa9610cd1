#pragma once
// Writes and reads the parts that several structs share, in canonical form.
#include "actors/chain/logic/authority.hpp"
#include "actors/chain/logic/canonical.hpp"
#include "actors/chain/logic/parameters.hpp"
#include "actors/wallet/api.hpp"

namespace troupe::chain {

inline constexpr unsigned kParameterWords = kParams;
CanonStruct form_of(const Parameters& parameters);
Parameters read_parameters(CanonReader& in, const CanonReader::Object& from);

inline constexpr unsigned kAuthorityPointers = 2;
CanonStruct form_of(const Authority& authority);
/// Returns nullopt if it is not a valid Authority; the reader has then failed.
std::optional<Authority> read_authority(CanonReader& in, const CanonReader::Object& from);

/// Reads an amount below 2^63; otherwise the reader fails.
inline wallet::Amount read_amount(CanonReader& in, const CanonReader::Object& from, unsigned word) {
  const auto out = wallet::Amount::from(in.word(from, word));
  if (!out) in.fail();
  return out.value_or(wallet::Amount());
}

/// Appends two words: the height; then the round (high half) and the fork (low half).
inline void append(CanonStruct& out, const Place& place) {
  out.words.push_back(place.height.value);
  out.words.push_back(std::uint64_t{place.round.value} << 32 | place.fork.value);
}
inline Place read_place(const CanonReader& in, const CanonReader::Object& from) {
  const std::uint64_t both = in.word(from, 1);
  return {{static_cast<std::uint32_t>(both)}, {in.word(from, 0)}, {static_cast<std::uint32_t>(both >> 32)}};
}

}  // namespace troupe::chain
