#pragma once
// A transaction: the change that one address requests, with the authority to request it.
//
// Bytes   canonical Cap'n Proto of `Transaction`, wrapped in `SignedTransaction` (messages/chain.capnp).
// Id      SHA-256 of the Transaction. It does not cover signatures, so other approvals do not change the id. The
//         policies fix the number of approvals, so the size in a block follows from content and policies.
// Signed  "troupe transaction v1" || chain || fork || Transaction, by the sender and by the fee payer, if any.
// Fee     gas used x base fee, which is burnt, plus the tip, which goes to the proposer. A faucet is free.
// Limits  kContentBytesMax, kTransactionBytesMax; wallet::kCreditsMax credits; kReferenceBytesMax.
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "actors/chain/logic/authority.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kTransactionVersion = 1;
inline constexpr std::size_t kReferenceBytesMax = 256;
inline constexpr std::size_t kContentBytesMax = 4 * 1024;       // our choice: a transfer with 64 credits has 3,032
inline constexpr std::size_t kTransactionBytesMax = 12 * 1024;  // with 16 approvals each from sender and payer: 7,736

static_assert(wallet::kCreditsMax == 64, "a rule of consensus: which transactions there are depends on it");

struct Gas {
  std::uint64_t value = 0;
  friend auto operator<=>(const Gas&, const Gas&) = default;
};

/// The number of an address's transaction; the first has 0.
struct Nonce {
  std::uint64_t value = 0;
  friend auto operator<=>(const Nonce&, const Nonce&) = default;
};

/// Makes transactions with equal content different. The sender chooses a random salt for each request.
struct Salt {
  std::uint64_t value = 0;
  friend auto operator<=>(const Salt&, const Salt&) = default;
};

struct Transfer {
  std::vector<wallet::Credit> credits;
  std::string reference{};
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct Faucet {
  friend bool operator==(const Faucet&, const Faucet&) = default;
};

/// In the order of the schema's union.
using Body = std::variant<Transfer, Faucet>;

struct Transaction {
  ChainId chain;
  wallet::Address from;
  Nonce nonce;
  Height last_height;
  Gas gas;  ///< of a transfer or faucet: exactly gas_of()
  wallet::Amount fee_max;
  wallet::Amount tip;
  Body body;
  std::optional<wallet::Address> fee_payer{};  ///< not `from`
  Salt salt{};

  const wallet::Address& payer() const { return fee_payer ? *fee_payer : from; }
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

enum class TransactionError : std::uint8_t {
  malformed,    ///< not the canonical encoding of a transaction
  unsupported,  ///< a version or body that this program does not know
  too_large,    ///< more than kTransactionBytesMax bytes
  credits,      ///< none, too many, one of 0, one to the sender, or a sum of 2^63 or more
  reference,    ///< too long, or not valid text (text.hpp)
  fee,          ///< a tip above fee-max, a free transaction with a fee, or a payer equal to the sender
  wrong_chain,  ///< for another chain
  authority,    ///< the policy does not match the address, or the approvals are not exactly those that it demands
};
std::string_view name(TransactionError error);

/// Returns the rule that the transaction breaks in every state, or nullopt.
std::optional<TransactionError> flaw(const Transaction& transaction);
/// Returns the sum of the credits. The caller has checked that `transfer` has no flaw.
wallet::Amount total_of(const Transfer& transfer);

base::Bytes encode(const Transaction& transaction);
/// Accepts only the canonical encoding of a transaction without a flaw.
base::Result<Transaction, TransactionError> parse_transaction(base::ByteView bytes);
TxId id_of(const Transaction& transaction);

struct SignedTransaction {
  Transaction content;
  Authority from;
  std::optional<Authority> fee_payer{};  ///< present if the content names a payer
  friend bool operator==(const SignedTransaction&, const SignedTransaction&) = default;
};

base::Bytes encode(const SignedTransaction& transaction);
base::Result<SignedTransaction, TransactionError> parse_signed_transaction(base::ByteView bytes);
/// Returns the bytes that sender and payer sign.
base::Bytes signed_bytes(const Transaction& transaction, Fork fork);

/// A transaction whose signatures were verified for a chain and a fork; only verify() creates it. Copies share their
/// immutable content.
class Approved {
 public:
  /// Errors: a flaw, `wrong_chain`, `authority`. Verifies as many signatures as the policies demand, at most 32.
  static base::Result<Approved, TransactionError> verify(SignedTransaction transaction, const ChainId& chain,
                                                         Fork fork);

  const Transaction& content() const { return held_->whole.content; }
  const SignedTransaction& whole() const { return held_->whole; }
  const TxId& id() const { return held_->id; }
  const base::Bytes& encoded() const { return held_->encoded; }  ///< whole()
  std::size_t bytes() const { return held_->encoded.size(); }    ///< determined by content and policies
  Gas gas_needed() const { return held_->gas; }

 private:
  struct Held {
    SignedTransaction whole;
    TxId id;
    base::Bytes encoded;
    Gas gas;
  };
  explicit Approved(std::shared_ptr<const Held> held) : held_(std::move(held)) {}
  std::shared_ptr<const Held> held_;
};

/// Returns the gas that the transaction uses. It depends only on content and policies, so a relay cannot raise it.
/// Unit: about 100 ns. A signature costs 500, an account that is read and written 100, a byte of content 1.
Gas gas_of(const SignedTransaction& transaction);

}  // namespace troupe::chain
