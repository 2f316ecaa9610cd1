#pragma once
// The ledger as other domains see it: accounts, amounts, transfers, and what becomes of them.
//
// Seam    a caller gives an Order and hears later what became of it: at once in a book, after some blocks in a chain.
//         Nothing here says how the two talk; what holds of either is in tests/actors/wallet/book_test.cpp.
// Retry   the caller binds a transfer in its own batch before it sends it (Outgoing). After a crash it sends the same
//         bytes again, and hears `confirmed` or `refused` as if for the first time.
#include <optional>

#include "actors/wallet/logic/ledger/book.hpp"

namespace troupe::wallet {

/// Where all is asked (messages/wallet.capnp).
inline constexpr const char* kPath = "/wallet";
/// What answers in place of a book where the book is the chain of this node (`ledger.book = chain`), and its rows
/// (actors/chain/chain_book_actor.hpp). `/wallet` alone asks it.
inline constexpr const char* kChainBookPath = "/chainbook";
inline constexpr const char* kChainBookRows = "chainbook";
/// Its row of an account that a part of the program keeps begins with this.
inline constexpr char kChainBookFollowed = 'f';
/// The account of a node's own.
inline constexpr const char* kOwnPath = "/wallet/own";

/// What the ledger says of a transfer, at last.
struct Confirmed {
  TransferId id;
};
struct Refused {
  TransferId id;
  LedgerError why{};
};

/// The transfers of one account in the state of the part that debits it: one at a time, each with the next number.
class Outgoing {
 public:
  explicit Outgoing(const BookId& book, const Address& from) : book_(book), from_(from) {}

  /// The transfer to bind next. Broken invariant while one is bound.
  Transfer prepare(std::vector<Credit> credits, std::string memo) const;

  /// From now on this is the transfer with its number; the caller has it durable before it is sent.
  void bind(const Transfer& transfer);
  /// As it was stored.
  void restore(TransferNumber done, std::optional<Transfer> bound) {
    done_ = done;
    bound_ = std::move(bound);
  }
  /// Its end. Another transfer than the bound one changes nothing: what is late or comes twice is harmless.
  void confirmed(const TransferId& id);
  /// The number is free again: the next transfer takes the place of this one. A copy of this one may still be on its
  /// way and be posted first: then the next one is refused as `taken`, and this one was paid. A part that can wait
  /// sends the same again instead.
  void refused(const TransferId& id);

  const std::optional<Transfer>& bound() const { return bound_; }
  TransferNumber done() const { return done_; }
  friend bool operator==(const Outgoing&, const Outgoing&) = default;

 private:
  BookId book_;
  Address from_;
  TransferNumber done_;
  std::optional<Transfer> bound_;
};

}  // namespace troupe::wallet
