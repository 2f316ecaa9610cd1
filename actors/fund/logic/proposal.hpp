#pragma once
// What the signers of a fund decide on: a payment, or other signers.
//
// Id      SHA-256("troupe fund proposal v1" || book || content): a signature of it says all that is decided.
// Signed  by who proposes "troupe fund propose v1" || book || content, by who agrees "troupe fund sign v1" || the same.
// Form    what (1: payment 1, signers 2), nonce (16), expiry (1: date 1, span 0; and 8), then of a payment recipient
//         (32), amount (8), category (1 and its bytes), of signers threshold (1), number (1), addresses (32 each); at
//         last the reason (2 and its bytes). Numbers are little-endian.
// Limits  kReasonBytesMax, kCategoryBytesMax, wallet::kSignersMax signers; a life of kLifeMin to kLifeMax.
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
/// Random, or the hash of a request: two proposals of one content differ.
using Nonce = base::FixedBytes<struct FundNonceTag, 16>;

struct Payment {
  Address to;
  Amount amount;
  std::string category;
  friend bool operator==(const Payment&, const Payment&) = default;
};

/// Who decides, and how many of them have to agree.
struct Signers {
  std::size_t threshold = 1;
  std::vector<Address> list;  ///< ascending, each once

  bool has(const Address& signer) const;
  friend bool operator==(const Signers&, const Signers&) = default;
};

/// Nothing unless there are 1 to wallet::kSignersMax of them, and the threshold is 1 to their number. Sorts them; one
/// that is named twice counts once.
std::optional<Signers> make_signers(std::size_t threshold, std::vector<Address> list);

/// A date, or a span from the moment in which the proposal is taken.
struct Expiry {
  bool is_date = false;
  UnixMs value{0};

  /// Nothing if a proposal of that moment would live too short or too long.
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

/// 1 to kCategoryBytesMax of a-z, 0-9 and '-'.
bool is_category(std::string_view text);
/// Plain text of at most kReasonBytesMax.
bool is_reason(std::string_view text);

base::Bytes encode(const Content& content);
/// Nothing unless the bytes are what encode() gives for a content within the limits.
std::optional<Content> decode_content(base::ByteView bytes);

ProposalId id_of(const BookId& book, const Content& content);
base::Bytes propose_bytes(const BookId& book, const Content& content);
base::Bytes sign_bytes(const BookId& book, const Content& content);

/// The account of a book's fund.
Address account_of(const BookId& book);

}  // namespace troupe::fund
