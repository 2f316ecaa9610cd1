#pragma once
// What an airdrop promises: how much is given, by which rule, and to which list of recipients.
//
// Id      SHA-256 of the terms' bytes: "troupe airdrop v1" || book (32) || owner (32) || nonce (16) || pool (8) ||
//         from || until (each 1: date 1, span 0; and 8) || rule (1: list 1, uptime 2) || recipients (4) || weights (8)
//         || pages (4) || their hashes (32 each) || of uptime: hours, first hour, hour behind the last (4 each),
//         per_owner, per_net (2 each), evidence (32). The owner signs these bytes. Numbers are little-endian, times are
//         Unix ms.
// List    by rising address, each once; in pages of kPageRows rows (address 32, weight 8), the last one shorter.
//         The hash of a page is SHA-256("troupe airdrop page v1" || its rows).
// Shares  the weights that are not struck are laid end to end; a recipient gets ⌊pool · end / all⌋ − ⌊pool · begin /
//         all⌋ of its piece. So the sum is the pool to the unit, and no share is off by 1 or more.
// Limits  kRecipientsMax recipients, kWeightMax each; a pool of at least 1 a recipient.
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
inline constexpr UnixMs kWindowMax = std::chrono::hours(24 * 366);  // our choice: until then at the latest
inline constexpr std::string_view kAccountKind = "airdrop";         // of wallet::account_of()

using AirdropId = base::FixedBytes<struct AirdropIdTag, 32>;
/// Random, or the hash of a request.
using Nonce = base::FixedBytes<struct AirdropNonceTag, 16>;

struct Recipient {
  Address to;
  std::uint64_t weight = 0;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};
using Page = std::vector<Recipient>;

/// Pages of a list that is in order.
std::vector<Page> pages_of(std::span<const Recipient> list);
base::Bytes encode(const Page& page);
/// Nothing unless the bytes are 1 to kPageRows rows by rising address, each of a weight of 1 to kWeightMax.
std::optional<Page> decode_page(base::ByteView bytes);
base::Digest hash_of_page(base::ByteView bytes);

/// By which rule the list was made.
enum class Rule : std::uint8_t { list = 1, uptime = 2 };

/// Nodes that were there: logic/uptime.hpp.
struct UptimeRule {
  std::uint32_t hours = 1;            ///< at least that many
  std::uint32_t from = 0, until = 0;  ///< of these hours of Unix time; `until` is not one of them
  std::uint16_t per_owner = 0, per_net = 0;
  base::Digest evidence;  ///< the content id of the file
  friend bool operator==(const UptimeRule&, const UptimeRule&) = default;
};

/// A date, or a span from the moment in which the pool was paid in. 0: none.
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
  Moment from, until;                  ///< the window. Nothing is paid before its end
  std::optional<UptimeRule> uptime{};  ///< nothing: it is the owner's own list
  std::uint32_t recipients = 0;
  std::uint64_t weights = 0;  ///< of all recipients
  std::vector<base::Digest> pages;

  friend bool operator==(const Terms&, const Terms&) = default;
};

enum class TermsError : std::uint8_t {
  empty,     ///< no recipient
  many,      ///< more than kRecipientsMax
  pool,      ///< less than 1 a recipient
  weight,    ///< 0, or above kWeightMax
  issuance,  ///< the list names the account that money is made from
  order,     ///< a recipient is there twice, or the list is not by rising address
  window,    ///< it ends before it begins
  hours,     ///< none, or more than the window of the rule has
};
std::string_view name(TermsError error);

/// The terms of a list, with their pages.
base::Result<Terms, TermsError> make_terms(Terms blank, std::span<const Recipient> list);

base::Bytes encode(const Terms& terms);
/// Nothing unless the bytes are what encode() gives for terms within the limits.
std::optional<Terms> decode_terms(base::ByteView bytes);
AirdropId id_of(const Terms& terms);
/// The account that the pool lies on.
Address account_of(const AirdropId& id);

/// Gives each recipient its share, in the order of the list; it knows where it is, and so can go on later.
class Shares {
 public:
  /// `weights` is the sum of those that are not struck, and not 0.
  Shares(Amount pool, std::uint64_t weights, std::uint64_t begin = 0) : pool_(pool), weights_(weights), begin_(begin) {}
  /// Of the next recipient; 0 if its weight is too small for a unit.
  Amount next(std::uint64_t weight);
  /// The sum of the weights before the next one.
  std::uint64_t begin() const { return begin_; }

 private:
  Amount pool_;
  std::uint64_t weights_, begin_;
};

}  // namespace troupe::airdrop
