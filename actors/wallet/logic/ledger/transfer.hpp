#pragma once
// A transfer debits one account and credits 1 to 64 accounts, all or none. An order is a transfer with its authority.
//
// Number   a transfer has the next number of the account that it debits. A retry has the same bytes. Another transfer
//          with that number can only replace it, never follow it.
// Form     "troupe transfer v1", book (32), from (32), number (8), number of credits (1), each as address (32) and
//          amount (8), bytes of the memo (2), memo. Numbers are little-endian. These bytes are hashed and signed.
// Limits   kCreditsMax credits, kMemoBytesMax bytes of memo; the total is below 2^63.
#include <compare>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/wallet/logic/amount.hpp"
#include "actors/wallet/logic/policy.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kCreditsMax = 64;
inline constexpr std::size_t kMemoBytesMax = 256;

/// The hash of a book's genesis: a transfer that is signed for one book is invalid in another.
using BookId = base::FixedBytes<struct BookIdTag, 32>;
/// SHA-256 of the transfer's bytes.
using TransferId = base::FixedBytes<struct TransferIdTag, 32>;

/// The position among the transfers of an account; 1 is the first.
struct TransferNumber {
  std::uint64_t value = 0;
  friend auto operator<=>(const TransferNumber&, const TransferNumber&) = default;
};
inline TransferNumber next(TransferNumber number) { return {number.value + 1}; }

struct Credit {
  Address to;
  Amount amount;
  friend bool operator==(const Credit&, const Credit&) = default;
};

struct Transfer {
  BookId book;
  Address from;
  TransferNumber number;
  std::vector<Credit> credits;
  std::string memo{};
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

enum class TransferError : std::uint8_t {
  number,    ///< 0
  credits,   ///< none, or more than kCreditsMax
  amount,    ///< a credit of 0
  total,     ///< the sum is 2^63 or more
  itself,    ///< an account would pay itself
  issuance,  ///< money would return to the issuance, whose debits are the sum that a book has issued
  memo,      ///< longer than kMemoBytesMax, or not plain text
};

/// Returns the sum that it debits.
base::Result<Amount, TransferError> total_of(const Transfer& transfer);

base::Bytes encode(const Transfer& transfer);
/// Returns nullopt unless the bytes are the canonical encoding of a transfer without a TransferError.
std::optional<Transfer> decode_transfer(base::ByteView bytes);
TransferId id_of(const Transfer& transfer);

/// Returns the account whose debits are the money of a book. Only this account goes below zero.
Address issuance_of(const BookId& book);

/// A transfer with its verified authority. There is no other way to move money.
class Order {
 public:
  /// Orders a transfer of a policy's account. Returns nullopt unless the account has this policy, and its signers
  /// approved these bytes.
  static std::optional<Order> approved(Transfer transfer, const Policy& policy, std::span<const Approval> approvals);
  /// Orders a transfer of an account without a key, for the part of the program that keeps it. Broken invariant unless
  /// it is the account of kind and id.
  static Order of_account(Transfer transfer, std::string_view kind, base::ByteView id);
  /// Issues money for `owner`, whom the caller has authenticated. Broken invariant unless it debits the issuance.
  static Order issue(Transfer transfer, const Address& owner);

  const Transfer& transfer() const { return transfer_; }
  /// Returns the account that decided it: the debited account, or the owner who issues.
  const Address& by() const { return by_; }

 private:
  Order(Transfer transfer, const Address& by) : transfer_(std::move(transfer)), by_(by) {}
  Transfer transfer_;
  Address by_;
};

}  // namespace troupe::wallet
