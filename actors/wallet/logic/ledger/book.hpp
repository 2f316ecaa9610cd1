#pragma once
// A double-entry book: each posting debits one account and credits others by the same sum, and is chained to the one
// before it. What is decided here is done by the caller, in one batch: the posting, and the rows that it changes.
//
// Numbers  a transfer of an account is posted if its number is the next one. An older number is either that of the
//          posted transfer itself, which is no error, or refused.
// Issue    the issuance of a book is the one account below zero: its `balance` counts what it has paid out. The owner
//          alone debits it, by numbers of its own, up to 2^63 - 1 in all. So no sum of balances can overflow.
// Chain    hash = SHA-256("troupe posting v1", sequence (8), time in ms (8), by (32), hash before (32), transfer).
//          The hash before the first posting is the id of the book.
// Source   the ledgers of TigerBeetle for transfers that are never changed, and retries by id.
#include <map>
#include <variant>

#include "actors/wallet/logic/ledger/transfer.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/time.hpp"

namespace troupe::wallet {

/// What a book begins with.
struct Genesis {
  Address owner;
  std::array<std::uint8_t, 16> nonce{};  ///< random: two books of one owner differ

  /// SHA-256("troupe book v1" || owner || nonce).
  BookId id() const;
};

using UnixMs = std::chrono::duration<std::uint64_t, std::milli>;
/// A date before 1970, of a clock that was never set, is 1970.
inline UnixMs unix_ms(base::WallTime wall) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall.since_origin()).count();
  return UnixMs(ms > 0 ? static_cast<std::uint64_t>(ms) : 0);
}

struct Posting {
  std::uint64_t sequence = 0;  ///< 1 is the first
  UnixMs time{0};              ///< never before that of the posting before
  Address by;
  base::Digest before;
  Transfer transfer;
  friend bool operator==(const Posting&, const Posting&) = default;
};

/// The bytes that are hashed and stored; and back: nothing unless they are what encode() gives.
base::Bytes encode(const Posting& posting);
std::optional<Posting> decode_posting(base::ByteView bytes);
base::Digest hash_of(const Posting& posting);

/// The end of the chain.
struct Head {
  std::uint64_t sequence = 0;
  UnixMs time{0};
  base::Digest hash;
  friend bool operator==(const Head&, const Head&) = default;
};
Head first_head(const Genesis& genesis);

struct AccountRow {
  Amount balance;
  TransferNumber done;  ///< of the latest transfer that debited it
  friend bool operator==(const AccountRow&, const AccountRow&) = default;
};

/// What a book has stored.
class BookRows {
 public:
  virtual ~BookRows() = default;
  /// An account that was never credited has an empty row.
  virtual AccountRow account(const Address& address) const = 0;
  /// The transfer that was posted with this number; nothing if there is none.
  virtual std::optional<TransferId> posted(const Address& from, TransferNumber number) const = 0;
};

enum class LedgerError : std::uint8_t {
  malformed,   ///< a TransferError
  wrong_book,  ///< signed for another book
  not_owner,   ///< issued by another than the owner
  funds,       ///< the account has less
  too_much,    ///< more than 2^63 - 1 would have been issued
  ahead,       ///< its number is not the next one: transfers before it are missing
  taken,       ///< another transfer was posted with this number
};
std::string_view name(LedgerError error);

/// The transfer was posted before: nothing is to be done.
struct Already {
  TransferId id;
};

/// Errors change nothing; a transfer that is refused leaves its number free.
base::Result<std::variant<Posting, Already>, LedgerError> decide(const Genesis& genesis, const Head& head,
                                                                 const BookRows& rows, const Order& order, UnixMs now,
                                                                 const base::Mutations& mutations = base::kNoMutations);

/// The rows as they are after the posting, which decide() gave on these rows; ascending by address.
std::map<Address, AccountRow> changed_by(const Posting& posting, const BookRows& rows);

/// A book in memory, for simulations, and as the dumb version that others are compared with.
class MemoryBook final : public BookRows {
 public:
  explicit MemoryBook(Genesis genesis) : genesis_(genesis), head_(first_head(genesis)) {}

  AccountRow account(const Address& address) const override;
  std::optional<TransferId> posted(const Address& from, TransferNumber number) const override;

  /// Decides and posts. The posting is back() of postings(), unless it was there already.
  base::Result<TransferId, LedgerError> post(const Order& order, UnixMs now,
                                             const base::Mutations& mutations = base::kNoMutations);

  const Genesis& genesis() const { return genesis_; }
  BookId id() const { return genesis_.id(); }
  const Head& head() const { return head_; }
  const std::vector<Posting>& postings() const { return postings_; }
  const std::map<Address, AccountRow>& accounts() const { return accounts_; }

 private:
  Genesis genesis_;
  Head head_;
  std::map<Address, AccountRow> accounts_;
  std::map<std::pair<Address, TransferNumber>, TransferId> numbers_;
  std::vector<Posting> postings_;
};

}  // namespace troupe::wallet
