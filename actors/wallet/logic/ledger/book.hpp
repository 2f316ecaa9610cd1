#pragma once
// A double-entry book: each posting debits one account and credits others by the same sum, and is chained to the
// posting before it. The caller commits each decision in one batch: the posting, and the rows that it changes.
//
// Numbers  a transfer of an account is posted if its number is the account's next number. A transfer with an older
//          number is refused, unless it is the posted transfer itself: then the order succeeds again.
// Issue    the issuance is the only account below zero: its `balance` counts what it has paid out. Only the owner
//          debits it, with a separate series of numbers, up to 2^63 - 1 in all. So no sum of balances can overflow.
// Chain    hash = SHA-256("troupe posting v1", sequence (8), time in ms (8), by (32), hash before (32), transfer). The
//          hash before the first posting is the id of the book.
// Source   the ledgers of TigerBeetle for transfers that are never changed, and retries by id.
#include <map>
#include <variant>

#include "actors/wallet/logic/ledger/transfer.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/time.hpp"

namespace troupe::wallet {

/// The beginning of a book.
struct Genesis {
  Address owner;
  std::array<std::uint8_t, 16> nonce{};  ///< random: two books of the same owner differ

  /// SHA-256("troupe book v1" || owner || nonce).
  BookId id() const;
};

using UnixMs = std::chrono::duration<std::uint64_t, std::milli>;
/// Returns 1970 for a date before 1970, which an unset clock shows.
inline UnixMs unix_ms(base::WallTime wall) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall.since_origin()).count();
  return UnixMs(ms > 0 ? static_cast<std::uint64_t>(ms) : 0);
}

struct Posting {
  std::uint64_t sequence = 0;  ///< starts at 1
  UnixMs time{0};              ///< never earlier than the time of the posting before
  Address by;
  base::Digest before;
  Transfer transfer;
  friend bool operator==(const Posting&, const Posting&) = default;
};

/// Encodes the bytes that are hashed and stored. Decoding returns nullopt unless they are the canonical encoding.
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
  TransferNumber done;  ///< number of the latest transfer that debited it
  friend bool operator==(const AccountRow&, const AccountRow&) = default;
};

/// The stored rows of a book.
class BookRows {
 public:
  virtual ~BookRows() = default;
  /// Returns an empty row for an account that was never credited.
  virtual AccountRow account(const Address& address) const = 0;
  /// Returns the transfer that was posted with this number, or nullopt.
  virtual std::optional<TransferId> posted(const Address& from, TransferNumber number) const = 0;
};

enum class LedgerError : std::uint8_t {
  malformed,   ///< a TransferError
  wrong_book,  ///< signed for another book
  not_owner,   ///< issued by someone other than the owner
  funds,       ///< the balance is too small
  too_much,    ///< more than 2^63 - 1 would have been issued
  ahead,       ///< its number is not the account's next number: earlier transfers are missing
  taken,       ///< another transfer was posted with this number
};
std::string_view name(LedgerError error);

/// The transfer was posted before, so there is nothing to do.
struct Already {
  TransferId id;
};

/// Decides an order. Errors change nothing; a refused transfer leaves its number free.
base::Result<std::variant<Posting, Already>, LedgerError> decide(const Genesis& genesis, const Head& head,
                                                                 const BookRows& rows, const Order& order, UnixMs now,
                                                                 const base::Mutations& mutations = base::kNoMutations);

/// Returns the rows after the posting, which decide() returned for these rows; ascending by address.
std::map<Address, AccountRow> changed_by(const Posting& posting, const BookRows& rows);

/// A book in memory, for simulations, and as the simple model that other books are compared with.
class MemoryBook final : public BookRows {
 public:
  explicit MemoryBook(Genesis genesis) : genesis_(genesis), head_(first_head(genesis)) {}

  AccountRow account(const Address& address) const override;
  std::optional<TransferId> posted(const Address& from, TransferNumber number) const override;

  /// Decides and posts. The posting is back() of postings(), unless it existed already.
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
