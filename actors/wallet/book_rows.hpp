#pragma once
// The rows of a book, as durable::Storage keeps them.
//
// Keys    'g': the genesis; 'h': the end of the chain; 'a' address: an account; 'p' sequence: a posting; 'n' address,
//         number: the posting of a transfer; 'x' address, ~sequence: the postings of an account, the latest first; 'r'
//         mark: the posting of a request; 'q' id: a proposal; 'o' sequence, credit: a credit that its keeper has not
//         acknowledged. Numbers in keys are big-endian, so that rows are sorted by them.
//         notified yet. Numbers in keys are big-endian, so that rows are in their order.
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

/// The mark of an account's request, and the hash of a transfer without its number.
Mark mark_of(const Address& from, std::string_view request);
base::Digest content_of(const Transfer& transfer);

Bytes encode(const Genesis& genesis);
std::optional<Genesis> decode_genesis(ByteView bytes);
Bytes encode(const Head& head);
std::optional<Head> decode_head(ByteView bytes);

/// The part of the program that keeps an account without a key, and the path at which it is notified of credits.
struct Keeper {
  std::string kind;
  base::Digest id;
  std::string path;
  friend bool operator==(const Keeper&, const Keeper&) = default;
};
struct Account {
  AccountRow row;
  UnixMs since{0};  ///< the time of its first credit; 0: never credited
  std::optional<Keeper> keeper{};
  friend bool operator==(const Account&, const Account&) = default;
};
Bytes encode(const Account& account);
std::optional<Account> decode_account(ByteView bytes);

/// The posting of a transfer.
struct PostedAt {
  TransferId id;
  std::uint64_t sequence = 0;
  UnixMs time{0};
  base::Digest content{};  ///< content_of() the transfer, if it has a request; otherwise zeros
};
Bytes encode(const PostedAt& at);
std::optional<PostedAt> decode_posted(ByteView bytes);

/// A credit whose keeper has not acknowledged it.
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
