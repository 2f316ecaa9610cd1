#pragma once
// The rows of a book, as durable::Storage keeps them.
//
// Keys    'g' what the book began with; 'h' the end of its chain; 'a' address: an account; 'p' sequence: a posting;
//         'n' address, number: which posting a transfer is; 'x' address, ~sequence: the postings of an account, the
//         latest first; 'r' mark: what was posted under a request; 'q' id: a proposal; 'o' sequence, credit: a credit
//         that is still to be told. Numbers in keys are big-endian, so that rows are in their order.
#include "actors/durable/api.hpp"
#include "actors/wallet/logic/ledger/proposals.hpp"

namespace troupe::wallet::rows {

using base::Bytes;
using base::ByteView;
using Mark = base::FixedBytes<struct PostedMarkTag, 32>;

Bytes genesis_key();
Bytes head_key();
Bytes account_key(const Address& address);
Bytes posting_key(std::uint64_t sequence);
Bytes number_key(const Address& from, TransferNumber number);
Bytes history_key(const Address& address, std::uint64_t sequence);
Bytes history_prefix(const Address& address);
Bytes request_key(const Mark& mark);
Bytes proposal_key(const TransferId& id);
Bytes credit_key(std::uint64_t sequence, std::uint32_t credit);
inline Bytes prefix(char of) { return {static_cast<std::uint8_t>(of)}; }

/// Of the request of an account; and of what a transfer does, without its number.
Mark mark_of(const Address& from, std::string_view request);
base::Digest content_of(const Transfer& transfer);

Bytes encode(const Genesis& genesis);
std::optional<Genesis> decode_genesis(ByteView bytes);
Bytes encode(const Head& head);
std::optional<Head> decode_head(ByteView bytes);

/// Which part keeps an account that belongs to no key, and where it is told of credits.
struct Keeper {
  std::string kind;
  base::Digest id;
  std::string path;
  friend bool operator==(const Keeper&, const Keeper&) = default;
};
struct Account {
  AccountRow row;
  UnixMs since{0};  ///< of its first credit; 0: never
  std::optional<Keeper> keeper{};
  friend bool operator==(const Account&, const Account&) = default;
};
Bytes encode(const Account& account);
std::optional<Account> decode_account(ByteView bytes);

/// Where a transfer was posted.
struct PostedAt {
  TransferId id;
  std::uint64_t sequence = 0;
  UnixMs time{0};
  base::Digest content{};  ///< of a request; zeros elsewhere
};
Bytes encode(const PostedAt& at);
std::optional<PostedAt> decode_posted(ByteView bytes);

/// A credit that its keeper has not answered.
struct Untold {
  Keeper keeper;
  std::uint64_t sequence = 0;
  TransferId transfer;
  Address from;
  Amount amount;
};
Bytes encode(const Untold& untold);
std::optional<Untold> decode_untold(ByteView bytes);

Bytes encode(const Proposal& proposal);
std::optional<Proposal> decode_proposal(ByteView bytes);

}  // namespace troupe::wallet::rows
