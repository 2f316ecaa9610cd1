#pragma once
// Converts transfers of an account ledger (book) to transactions of the chain, and back (`ledger.book = chain`).
//
// Book    each node has its own book, with the id SHA-256("troupe chain book v1" || chain || key of the node). So a
//         signature for one node's escrows is invalid at every other node.
// Kept    an account without a key (wallet::account_of) has a key derived by the book's node, which must be trusted:
//         the first 32 bytes of HMAC-SHA512(seed of the node, "troupe kept account v1" || chain || account).
// Party   its transfer has the number nonce + 1, and it signs both transfer and transaction. The transfer's memo is the
//         transaction's reference and ends with the terms, " [until H, fee F]", so it determines the transaction.
// Back    a transfer's id covers sender, nonce, credits and reference. So another account's transaction never counts as
//         this transfer, and transactions that differ only in their terms are the same transfer.
// Order   an account without a key has one transaction at a time, with the next nonce that its host knows
//         (KeptAccount). The chain accepts one per nonce, so resending never pays a transfer twice.
#include <functional>

#include "actors/chain/logic/header.hpp"

namespace troupe::chain {

wallet::BookId book_of(const ChainId& chain, const base::PublicKey& node);

/// The terms of a party's transaction, which the memo of its transfer contains.
struct BookTerms {
  Height last_height;
  wallet::Amount fee_max;
  friend bool operator==(const BookTerms&, const BookTerms&) = default;
};
std::string memo_with(std::string_view memo, const BookTerms& terms);
/// Returns nullopt unless the memo ends in terms as memo_with() writes them.
std::optional<BookTerms> terms_in(std::string_view memo);
/// Terms of a transaction that is made now: it may be in this many further blocks, and pays at most twice the current
/// fee.
inline constexpr std::uint64_t kBookHeights = 100;  // our choice, as for `wallet send`
BookTerms terms_now(Height height, Gas gas, std::uint64_t base_fee);

/// Returns the key that the node derives for an account without a key.
crypto::SecretKey kept_key(const crypto::SecretKey& node, const ChainId& chain, const wallet::Address& account);

/// Maps an address from one side (book or chain) to the other.
using Counterpart = std::function<wallet::Address(const wallet::Address&)>;

/// Returns a transfer's transaction, without approvals. `payer`: policy of the fee payer, if it is not the sender.
SignedTransaction transaction_of(const wallet::Transfer& transfer, const ChainId& chain, Nonce nonce,
                                 const BookTerms& terms, const wallet::Policy& from,
                                 const std::optional<wallet::Policy>& payer, const Counterpart& on_chain);
/// Returns the transaction of a party's transfer, or nullopt unless its memo has terms and it has a number.
std::optional<SignedTransaction> transaction_of(const wallet::Transfer& transfer, const ChainId& chain,
                                                const wallet::Policy& from, const Counterpart& on_chain);
/// Returns the transfer of the book that the transaction represents, or nullopt unless its body is a transfer.
std::optional<wallet::Transfer> transfer_of(const Transaction& transaction, const wallet::BookId& book,
                                            const Counterpart& in_book);

/// Sequence numbers rise in the order of the chain; none is 0.
inline constexpr unsigned kSequenceShift = 20;
static_assert(kBlockEntriesMax < std::size_t{1} << kSequenceShift);
inline std::uint64_t sequence_of(Height height, std::uint32_t index) {
  return height.value << kSequenceShift | (index + 1);
}
inline Height height_of(std::uint64_t sequence) { return {sequence >> kSequenceShift}; }

/// The host's record of an account without a key. It is durable before a transaction is sent.
class KeptAccount {
 public:
  /// An account without transactions so far; `next` is its nonce in the state.
  explicit KeptAccount(Nonce next = {}) : next_(next) {}

  enum class Standing : std::uint8_t {
    paid,   ///< a transfer of this number is final
    next,   ///< it is the next transfer
    ahead,  ///< earlier transfers are missing
  };
  Standing judge(wallet::TransferNumber number) const;

  /// The transaction with the next nonce is final: it paid the next transfer, or it failed and paid nothing.
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
