#pragma once
// The terms of an airdrop: the pool, the rule, and the list of recipients.
//
// Id      SHA-256 of the terms' bytes: "troupe airdrop v1" || book (32) || owner (32) || nonce (16) || pool (8) || from
//         || until (each 1: date 1, span 0; and 8) || rule (1: list 1, uptime 2) || recipients (4) || weights (8) ||
//         pages (4) || their hashes (32 each) || for uptime: hours, first hour, hour after the last (4 each),
//         per_owner, per_net (2 each), evidence (32). The owner signs these bytes. Numbers are little-endian, times are
//         Unix ms.
// List    sorted by address, without duplicates; in pages of kPageRows rows (address 32, weight 8), the last may be
//         shorter. The hash of a page is SHA-256("troupe airdrop page v1" || its rows).
// Shares  the weights that are not struck are laid end to end; a recipient gets ⌊pool · end / all⌋ − ⌊pool · begin /
//         all⌋ for its piece. So all shares add up to the pool, and each share is off by less than 1.
// Limits  kRecipientsMax recipients, kWeightMax each; a pool of at least 1 per recipient.
#include <optional>
#include <span>
#include <vector>

#include "actors/wallet/api.hpp"

namespace troupe::airdrop {

using wallet::Address;
using wallet::Amount;
using wallet::BookId;
using wallet::UnixMs;

inline constexpr std::size_t kPageRows = 1'000;
inline constexpr std::size_t kRecipientsMax = 1'000'000;
inline constexpr std::uint64_t kWeightMax = 1'000'000'000'000;      // so that all weights stay below 2^60
inline constexpr UnixMs kWindowMax = std::chrono::hours(24 * 366);  // our choice: the latest end of a window
inline constexpr std::string_view kAccountKind = "airdrop";         // for wallet::account_of()

using AirdropId = base::FixedBytes<struct AirdropIdTag, 32>;
/// Random, or the hash of a request.
using Nonce = base::FixedBytes<struct AirdropNonceTag, 16>;

struct Recipient {
  Address to;
  std::uint64_t weight = 0;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};
using Page = std::vector<Recipient>;

/// Divides a sorted list into pages.
std::vector<Page> pages_of(std::span<const Recipient> list);
base::Bytes encode(const Page& page);
/// Returns nullopt unless the bytes are 1 to kPageRows rows, sorted by address, with weights of 1 to kWeightMax.
std::optional<Page> decode_page(base::ByteView bytes);
base::Digest hash_of_page(base::ByteView bytes);

/// The rule that made the list.
enum class Rule : std::uint8_t { list = 1, uptime = 2 };

/// Pays nodes by uptime: logic/uptime.hpp.
struct UptimeRule {
  std::uint32_t hours = 1;            ///< a paid node was present for at least this many hours
  std::uint32_t from = 0, until = 0;  ///< within these hours of Unix time, `until` excluded
  std::uint16_t per_owner = 0, per_net = 0;
  base::Digest evidence;  ///< the content id of the file
  friend bool operator==(const UptimeRule&, const UptimeRule&) = default;
};

/// A date, or a span from the deposit of the pool. 0: none.
struct Moment {
  bool is_date = true;
  UnixMs value{0};

  UnixMs from(UnixMs moment) const { return is_date ? value : moment + value; }
  friend bool operator==(const Moment&, const Moment&) = default;
};

struct Terms {
  BookId book;
  Address owner;
  Nonce nonce;
  Amount pool;
  Moment from, until;                  ///< the window; nothing is paid before its end
  std::optional<UptimeRule> uptime{};  ///< nullopt: the owner's own list
  std::uint32_t recipients = 0;
  std::uint64_t weights = 0;  ///< of all recipients
  std::vector<base::Digest> pages;

  friend bool operator==(const Terms&, const Terms&) = default;
};

enum class TermsError : std::uint8_t {
  empty,     ///< no recipient
  many,      ///< more than kRecipientsMax
  pool,      ///< less than 1 per recipient
  weight,    ///< 0, or above kWeightMax
  issuance,  ///< the list names the issuance account
  order,     ///< a recipient is listed twice, or the list is not sorted by address
  window,    ///< the window ends before it begins
  hours,     ///< 0, or more than the rule's window has
};
std::string_view name(TermsError error);

/// Makes the terms of a list, with the hashes of its pages.
base::Result<Terms, TermsError> make_terms(Terms blank, std::span<const Recipient> list);

base::Bytes encode(const Terms& terms);
/// Returns nullopt unless the bytes are the canonical encoding of terms within the limits.
std::optional<Terms> decode_terms(base::ByteView bytes);
AirdropId id_of(const Terms& terms);
/// Returns the account that holds the pool.
Address account_of(const AirdropId& id);

/// Computes the share of each recipient, in the order of the list. It can resume at any weight.
class Shares {
 public:
  /// `weights` is the sum of the weights that are not struck, and not 0.
  Shares(Amount pool, std::uint64_t weights, std::uint64_t begin = 0) : pool_(pool), weights_(weights), begin_(begin) {}
  /// Returns the share of the next recipient; 0 if its weight is too small for a unit.
  Amount next(std::uint64_t weight);
  /// Returns the sum of the weights before the next recipient.
  std::uint64_t begin() const { return begin_; }

 private:
  Amount pool_;
  std::uint64_t weights_, begin_;
};

}  // namespace troupe::airdrop
