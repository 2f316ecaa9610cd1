#pragma once
// A transfer of the book as a transaction of the chain, and back (`ledger.book = chain`).
//
// Book    of each node another one: SHA-256("troupe chain book v1" || chain || key of the node). What is signed for the
//         escrows of one node is nothing at another one.
// Kept    an account that belongs to no key (wallet::account_of) stands on the chain as that of a key which the book's
//         node derives: the first 32 bytes of HMAC-SHA512(seed of the node, "troupe kept account v1" || chain ||
//         account). This is trust in that node.
// Party   numbers its transfers by its nonce, plus one, and signs transfer and transaction. The memo of the transfer is
//         the reference of the transaction, and ends with its terms, " [until H, fee F]": so the transaction follows
//         from the transfer.
// Back    the id of a transfer covers sender, nonce, credits and reference: no other account's transaction can count
//         as it, and whatever terms a transaction has, it is the same transfer.
// Order   a kept account has one transaction at a time, with the next nonce that its host knows of (KeptAccount). The
//         chain takes one for a nonce: so a transfer is paid once, whatever is sent again.
#include <functional>

#include "actors/chain/logic/header.hpp"

namespace troupe::chain {

wallet::BookId book_of(const ChainId& chain, const base::PublicKey& node);

/// What the memo of a party's transfer says of its transaction.
struct BookTerms {
  Height last_height;
  wallet::Amount fee_max;
  friend bool operator==(const BookTerms&, const BookTerms&) = default;
};
std::string memo_with(std::string_view memo, const BookTerms& terms);
/// Nothing unless it ends as memo_with() gives.
std::optional<BookTerms> terms_in(std::string_view memo);
/// For a transaction that is made at that height: it may be in this many blocks, and pays up to twice the fee of now.
inline constexpr std::uint64_t kBookHeights = 100;  // our choice, as that of `wallet send`
BookTerms terms_now(Height height, Gas gas, std::uint64_t base_fee);

/// The key that a node derives for an account which belongs to none.
crypto::SecretKey kept_key(const crypto::SecretKey& node, const ChainId& chain, const wallet::Address& account);

/// Where an account of one side stands on the other.
using Counterpart = std::function<wallet::Address(const wallet::Address&)>;

/// The transaction of a transfer, without approvals. `payer` is that of another account than the sender's.
SignedTransaction transaction_of(const wallet::Transfer& transfer, const ChainId& chain, Nonce nonce,
                                 const BookTerms& terms, const wallet::Policy& from,
                                 const std::optional<wallet::Policy>& payer, const Counterpart& on_chain);
/// That of a party. Nothing unless the memo has terms and the transfer a number.
std::optional<SignedTransaction> transaction_of(const wallet::Transfer& transfer, const ChainId& chain,
                                                const wallet::Policy& from, const Counterpart& on_chain);
/// The transfer of a book that a transaction is. Nothing unless its body is one.
std::optional<wallet::Transfer> transfer_of(const Transaction& transaction, const wallet::BookId& book,
                                            const Counterpart& in_book);

/// In the order of the chain; none is 0.
inline constexpr unsigned kSequenceShift = 20;
static_assert(kBlockEntriesMax < std::size_t{1} << kSequenceShift);
inline std::uint64_t sequence_of(Height height, std::uint32_t index) {
  return height.value << kSequenceShift | (index + 1);
}
inline Height height_of(std::uint64_t sequence) { return {sequence >> kSequenceShift}; }

/// What the host of a kept account remembers of it: durable before a transaction leaves.
class KeptAccount {
 public:
  /// One that has made no transaction yet; `next` is its nonce in the state.
  explicit KeptAccount(Nonce next = {}) : next_(next) {}

  enum class Standing : std::uint8_t {
    paid,   ///< a transfer of this number is final
    next,   ///< it is the next one
    ahead,  ///< those before it are missing
  };
  Standing judge(wallet::TransferNumber number) const;

  /// The transaction with the next nonce is final: it was the next transfer, or it failed and paid nothing.
  void paid();
  void failed();

  wallet::TransferNumber done() const { return done_; }
  Nonce next() const { return next_; }

  base::Bytes encode() const;
  static std::optional<KeptAccount> decode(base::ByteView bytes);
  friend bool operator==(const KeptAccount&, const KeptAccount&) = default;

 private:
  wallet::TransferNumber done_;
  Nonce next_;
};

}  // namespace troupe::chain
