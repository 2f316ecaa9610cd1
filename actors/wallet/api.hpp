#pragma once
// The ledger as other domains see it: accounts, amounts, transfers, and the results of transfers.
//
// Seam    a caller sends an Order and gets its result later: at once from a book, after some blocks from a chain. This
//         file does not say how they communicate; tests/actors/wallet/book_test.cpp has the rules that hold for both.
// Retry   the caller binds a transfer in its own commit before it sends it (Outgoing). After a crash it sends the same
//         bytes again, and gets `confirmed` or `refused` as if for the first time.
#include <optional>

#include "actors/wallet/logic/ledger/book.hpp"

namespace troupe::wallet {

/// The actor path for all requests (messages/wallet.capnp).
inline constexpr const char* kPath = "/wallet";
/// The actor that replaces a book if the book is this node's chain (`ledger.book = chain`), and its rows
/// (actors/chain/chain_book_actor.hpp). Only `/wallet` sends it requests.
inline constexpr const char* kChainBookPath = "/chainbook";
inline constexpr const char* kChainBookRows = "chainbook";
/// The first byte of its rows of kept accounts.
inline constexpr char kChainBookFollowed = 'f';
/// The actor path of the node's own account.
inline constexpr const char* kOwnPath = "/wallet/own";

/// The ledger's final answer about a transfer.
struct Confirmed {
  TransferId id;
};
struct Refused {
  TransferId id;
  LedgerError why{};
};

/// The transfers that one part of the program makes from one account: one at a time, each with the next number.
class Outgoing {
 public:
  explicit Outgoing(const BookId& book, const Address& from) : book_(book), from_(from) {}

  /// Returns the transfer to bind next. An invariant breaks if a transfer is bound already.
  Transfer prepare(std::vector<Credit> credits, std::string memo) const;

  /// Makes this the transfer with its number. The caller stores it durably before it sends it.
  void bind(const Transfer& transfer);
  /// Restores the stored state.
  void restore(TransferNumber done, std::optional<Transfer> bound) {
    done_ = done;
    bound_ = std::move(bound);
  }
  /// Ends the bound transfer. Any other transfer changes nothing, so a late or repeated answer is harmless.
  void confirmed(const TransferId& id);
  /// Frees the number: the next transfer takes it. A copy of this transfer may still be in flight and be posted first.
  /// Then the next transfer is refused as `taken`, and this transfer was paid. A part that can wait sends the same
  /// transfer again instead.
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
