#pragma once
// A transaction: what one address asks of the state, and the authority to ask it.
//
// Bytes   canonical Cap'n Proto of `Transaction`, and around it `SignedTransaction`, in messages/chain.capnp.
// Id      SHA-256 of the Transaction: signatures are not a part of it, so that other approvals make no other one. There
//         are as many as the policies demand, so that the bytes in a block follow from content and policies.
// Signed  "troupe transaction v1" || chain || fork || Transaction, by the sender and by a fee payer if there is one.
// Fee     gas used x base fee, which is burnt, and the tip, which goes to the proposer. A faucet is free.
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
inline constexpr std::size_t kContentBytesMax = 4 * 1024;       // our choice: a transfer of 64 credits has 3,032
inline constexpr std::size_t kTransactionBytesMax = 12 * 1024;  // with 16 approvals each of sender and payer: 7,736

static_assert(wallet::kCreditsMax == 64, "a rule of consensus: which transactions there are depends on it");

struct Gas {
  std::uint64_t value = 0;
  friend auto operator<=>(const Gas&, const Gas&) = default;
};

/// Which transaction of an address: the first one has 0.
struct Nonce {
  std::uint64_t value = 0;
  friend auto operator<=>(const Nonce&, const Nonce&) = default;
};

/// Makes two transactions with equal content different: the sender chooses one at random for each request.
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
  Gas gas;  ///< of a transfer and a faucet: exactly what it needs (gas_of)
  wallet::Amount fee_max;
  wallet::Amount tip;
  Body body;
  std::optional<wallet::Address> fee_payer{};  ///< another than `from`
  Salt salt{};

  const wallet::Address& payer() const { return fee_payer ? *fee_payer : from; }
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

enum class TransactionError : std::uint8_t {
  malformed,    ///< not the one encoding of a transaction
  unsupported,  ///< of a version or with a body that this version does not know
  too_large,    ///< more bytes than a transaction may have
  credits,      ///< none, too many, one of 0, one to the sender, or 2^63 or more in all
  reference,    ///< too long, or no text (text.hpp)
  fee,          ///< a tip above fee-max, a free transaction with a fee, or a payer who is the sender
  wrong_chain,  ///< for another chain
  authority,    ///< a policy that is not the address's, or approvals that are not exactly those that it demands
};
std::string_view name(TransactionError error);

/// What breaks the rules, whatever the state is.
std::optional<TransactionError> flaw(const Transaction& transaction);
/// The sum of a transfer's credits. `transfer` has no flaw.
wallet::Amount total_of(const Transfer& transfer);

base::Bytes encode(const Transaction& transaction);
/// Takes what encode() gives of a transaction without a flaw, and nothing else.
base::Result<Transaction, TransactionError> parse_transaction(base::ByteView bytes);
TxId id_of(const Transaction& transaction);

struct SignedTransaction {
  Transaction content;
  Authority from;
  std::optional<Authority> fee_payer{};  ///< there if the content has one
  friend bool operator==(const SignedTransaction&, const SignedTransaction&) = default;
};

base::Bytes encode(const SignedTransaction& transaction);
base::Result<SignedTransaction, TransactionError> parse_signed_transaction(base::ByteView bytes);
/// What sender and payer sign.
base::Bytes signed_bytes(const Transaction& transaction, Fork fork);

/// A transaction whose signatures were verified for a chain and a fork. There is no other way to make one. Copies share
/// what they hold, which never changes.
class Approved {
 public:
  /// Errors: a flaw, `wrong_chain`, `authority`. Verifies as many signatures as there are the policies demand, 32 at
  /// most.
  static base::Result<Approved, TransactionError> verify(SignedTransaction transaction, const ChainId& chain,
                                                         Fork fork);

  const Transaction& content() const { return held_->whole.content; }
  const SignedTransaction& whole() const { return held_->whole; }
  const TxId& id() const { return held_->id; }
  const base::Bytes& encoded() const { return held_->encoded; }  ///< whole()
  std::size_t bytes() const { return held_->encoded.size(); }    ///< follow from content and policies
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

/// What it uses: follows from the content and the policies alone, so that no one else can make it dearer. In units of
/// about 100 ns: a signature has 500, an account that is read and written 100, a byte of the content 1.
Gas gas_of(const SignedTransaction& transaction);

}  // namespace troupe::chain
