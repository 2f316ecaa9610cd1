#pragma once
// The agreement of a buyer and a provider. The id of an escrow is the hash of its agreement.
//
// Form    encode() is the canonical encoding; the id is its SHA-256, and both parties sign the id.
// Times   a state ends at a date, or a span after it was entered (Due). All times are in the agreement, so that a
//         node's later settings do not change the meaning of a log.
// Limits  kMilestonesMax milestones; spans from 1 s to kSpanMax.
#include <optional>
#include <vector>

#include "actors/wallet/api.hpp"

namespace troupe::escrow {

using wallet::Address;
using wallet::Amount;
using wallet::UnixMs;

using EscrowId = base::FixedBytes<struct EscrowIdTag, 32>;
using Cid = base::FixedBytes<struct CidTag, 32>;
/// 32 random bytes of a party, for the draw of arbiters. Their SHA-256 is part of the signed agreement.
using Reveal = base::FixedBytes<struct RevealTag, 32>;
using Commitment = base::FixedBytes<struct CommitmentTag, 32>;
Commitment commitment_of(const Reveal& reveal);

inline constexpr std::size_t kMilestonesMax = 16;
inline constexpr UnixMs kSpanMin = std::chrono::seconds(1);
inline constexpr UnixMs kSpanMax = std::chrono::hours(24 * 3'650);

/// The end of a state.
struct Due {
  enum class Kind : std::uint8_t { after, at };  // a span after the state was entered, or a date
  Kind kind = Kind::after;
  UnixMs value{0};

  UnixMs from(UnixMs entered) const { return kind == Kind::at ? value : entered + value; }
  friend bool operator==(const Due&, const Due&) = default;
};

struct Terms {
  UnixMs sign_by = std::chrono::hours(24), fund_by = std::chrono::hours(24);
  Due start{}, deliver{}, review{Due::Kind::after, std::chrono::hours(72)};
  UnixMs mediation = std::chrono::hours(48), arbiter_term = std::chrono::hours(168);
  UnixMs grace = std::chrono::hours(1);  ///< how long the book must be back before a deadline fires
  friend bool operator==(const Terms&, const Terms&) = default;
};

struct Agreement {
  wallet::BookId book;
  Address buyer, provider, fund;
  Amount price;
  Amount bond;                       ///< of each party; 0: none
  std::vector<Amount> milestones{};  ///< empty, or their sum is the price
  std::optional<Cid> cid{};          ///< content id of the delivery, if known
  Terms terms;
  std::array<std::uint8_t, 16> nonce{};

  friend bool operator==(const Agreement&, const Agreement&) = default;
};

enum class AgreementError : std::uint8_t {
  parties,     ///< the buyer is the provider, or one of them is the fund
  amount,      ///< a price of 0, or price and bonds are 2^63 or more in all
  milestones,  ///< more than kMilestonesMax, one of 0, or their sum is not the price
  times,       ///< a span outside kSpanMin to kSpanMax, or a date that is not within kSpanMax from now
};

base::Result<void, AgreementError> check(const Agreement& agreement, UnixMs now);

base::Bytes encode(const Agreement& agreement);
/// Returns nullopt unless the bytes are the canonical encoding. The terms may still fail check().
std::optional<Agreement> decode_agreement(base::ByteView bytes);
EscrowId id_of(const Agreement& agreement);
/// The account that holds the money of this escrow.
Address account_of(const EscrowId& id);

}  // namespace troupe::escrow
