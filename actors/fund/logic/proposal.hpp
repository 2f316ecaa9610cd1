#pragma once
// A proposal to the signers of a fund: a payment, or a change of the signers.
//
// Id      SHA-256("troupe fund proposal v1" || book || content): a signature of it covers the whole proposal.
// Signed  by the proposer: "troupe fund propose v1" || book || content; by each signer: "troupe fund sign v1" || the
//         same.
// Form    what (1: payment 1, signers 2), nonce (16), expiry (1: date 1, span 0; and 8). A payment then has recipient
//         (32), amount (8), category (1 and its bytes). Signers have threshold (1), number (1), addresses (32 each).
//         The reason (2 and its bytes) is last. Numbers are little-endian.
// Limits  kReasonBytesMax, kCategoryBytesMax, wallet::kSignersMax signers; lifetime kLifeMin to kLifeMax.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/wallet/api.hpp"

namespace troupe::fund {

using wallet::Address;
using wallet::Amount;
using wallet::BookId;
using wallet::UnixMs;

inline constexpr std::size_t kReasonBytesMax = 256;
inline constexpr std::size_t kCategoryBytesMax = 32;
inline constexpr UnixMs kLifeMin = std::chrono::seconds(1);
inline constexpr UnixMs kLifeMax = std::chrono::hours(24 * 366);  // our choice

using ProposalId = base::FixedBytes<struct FundProposalTag, 32>;
/// Random, or the hash of a request, so that proposals with the same content differ.
using Nonce = base::FixedBytes<struct FundNonceTag, 16>;

struct Payment {
  Address to;
  Amount amount;
  std::string category;
  friend bool operator==(const Payment&, const Payment&) = default;
};

/// The deciding accounts, and how many of them have to agree.
struct Signers {
  std::size_t threshold = 1;
  std::vector<Address> list;  ///< ascending, without duplicates

  bool has(const Address& signer) const;
  friend bool operator==(const Signers&, const Signers&) = default;
};

/// Sorts the signers and drops duplicates. Returns nullopt unless there are 1 to wallet::kSignersMax of them, and the
/// threshold is 1 to their number.
std::optional<Signers> make_signers(std::size_t threshold, std::vector<Address> list);

/// A date, or a span from the moment in which the proposal is accepted.
struct Expiry {
  bool is_date = false;
  UnixMs value{0};

  /// Returns the date of expiry, or nullopt if a proposal made at `moment` would live too short or too long.
  std::optional<UnixMs> from(UnixMs moment) const;
  friend bool operator==(const Expiry&, const Expiry&) = default;
};

struct Content {
  Nonce nonce;
  std::variant<Payment, Signers> what;
  std::string reason;
  Expiry expiry;
  friend bool operator==(const Content&, const Content&) = default;
};

/// Returns whether the text is 1 to kCategoryBytesMax of a-z, 0-9 and '-'.
bool is_category(std::string_view text);
/// Returns whether the text is plain and at most kReasonBytesMax long.
bool is_reason(std::string_view text);

base::Bytes encode(const Content& content);
/// Returns nullopt unless the bytes are the canonical encoding of a content within the limits.
std::optional<Content> decode_content(base::ByteView bytes);

ProposalId id_of(const BookId& book, const Content& content);
base::Bytes propose_bytes(const BookId& book, const Content& content);
base::Bytes sign_bytes(const BookId& book, const Content& content);

/// Returns the account of a book's fund.
Address account_of(const BookId& book);

}  // namespace troupe::fund
