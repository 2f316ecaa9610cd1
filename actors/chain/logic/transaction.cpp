#include "actors/chain/logic/transaction.hpp"

#include <algorithm>

#include "actors/chain/logic/forms.hpp"
#include "actors/chain/logic/text.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

constexpr std::string_view kTransactionDomain = "troupe transaction v1";
constexpr unsigned kTransactionWords = 7, kTransactionPointers = 4, kCreditWords = 5;
constexpr std::uint64_t kGasSignature = 500, kGasAccount = 100;

enum class BodyKind : std::uint16_t { transfer = 0, faucet = 1 };

std::uint64_t version_and_kind(BodyKind kind) {
  return std::uint64_t{static_cast<std::uint16_t>(kind)} << 16 | kTransactionVersion;
}

CanonStruct form_of(const Transfer& transfer) {
  std::vector<CanonStruct> credits;
  for (const wallet::Credit& credit : transfer.credits) {
    const auto to = base::words_of(credit.to.bytes);
    credits.push_back({{to[0], to[1], to[2], to[3], credit.amount.units()}, {}});
  }
  return CanonStruct().object_list(std::move(credits)).data(base::as_bytes(transfer.reference));
}

Transfer read_transfer(CanonReader& in, const CanonReader::Object& from) {
  Transfer out;
  const auto credits = in.list(from, 0, wallet::kCreditsMax, kCreditWords, 0);
  for (unsigned i = 0; i < credits.count && in.ok(); ++i) {
    const auto credit = credits[i];
    out.credits.push_back(
        {{base::from_words(in.word(credit, 0), in.word(credit, 1), in.word(credit, 2), in.word(credit, 3))},
         read_amount(in, credit, 4)});
  }
  out.reference = base::as_text(in.data(from, 1, kReferenceBytesMax));
  return out;
}

std::optional<TransactionError> flaw_of(const Transaction& transaction, const Transfer& transfer) {
  if (transfer.credits.empty() || transfer.credits.size() > wallet::kCreditsMax) return TransactionError::credits;
  wallet::Amount total;
  for (const wallet::Credit& credit : transfer.credits) {
    const auto sum = plus(total, credit.amount);
    if (!sum || credit.amount == wallet::Amount() || credit.to == transaction.from) return TransactionError::credits;
    total = *sum;
  }
  if (transfer.reference.size() > kReferenceBytesMax || !is_chain_text(transfer.reference))
    return TransactionError::reference;
  return std::nullopt;
}

std::optional<TransactionError> flaw_of(const Transaction& transaction, const Faucet&) {
  const bool free = transaction.fee_max == wallet::Amount() && !transaction.fee_payer;
  return free ? std::nullopt : std::optional(TransactionError::fee);
}

// -- with the content already encoded

TxId id_of_bytes(base::ByteView content) { return {crypto::sha256(content).bytes}; }

base::Bytes encode(const SignedTransaction& transaction, base::ByteView content) {
  CanonStruct out;
  out.data(content).object(form_of(transaction.from));
  if (transaction.fee_payer) out.object(form_of(*transaction.fee_payer));
  return out.encode();
}

Gas gas_of(const SignedTransaction& transaction, base::ByteView content) {
  std::uint64_t signatures = transaction.from.policy.threshold();
  if (transaction.fee_payer) signatures += transaction.fee_payer->policy.threshold();
  std::uint64_t accounts = transaction.fee_payer ? 2 : 1;
  if (const auto* transfer = std::get_if<Transfer>(&transaction.content.body)) accounts += transfer->credits.size();
  return {signatures * kGasSignature + accounts * kGasAccount + content.size()};
}

}  // namespace

std::string_view name(TransactionError error) {
  switch (error) {
    case TransactionError::malformed: return "malformed";
    case TransactionError::unsupported: return "unsupported";
    case TransactionError::too_large: return "too large";
    case TransactionError::credits: return "credits";
    case TransactionError::reference: return "reference";
    case TransactionError::fee: return "fee";
    case TransactionError::wrong_chain: return "wrong chain";
    case TransactionError::authority: return "authority";
  }
  return "unknown";
}

std::optional<TransactionError> flaw(const Transaction& transaction) {
  if (transaction.tip > transaction.fee_max || transaction.fee_payer == transaction.from) return TransactionError::fee;
  return std::visit([&](const auto& body) { return flaw_of(transaction, body); }, transaction.body);
}

wallet::Amount total_of(const Transfer& transfer) {
  wallet::Amount total;
  for (const wallet::Credit& credit : transfer.credits) total = total + credit.amount;
  return total;
}

base::Bytes encode(const Transaction& transaction) {
  CanonStruct out;
  const auto* transfer = std::get_if<Transfer>(&transaction.body);
  out.words = {transaction.nonce.value, transaction.last_height.value,
               transaction.gas.value,   transaction.fee_max.units(),
               transaction.tip.units(), version_and_kind(transfer != nullptr ? BodyKind::transfer : BodyKind::faucet),
               transaction.salt.value};
  out.data(transaction.chain.view()).data(transaction.from.view());
  out.data(transaction.fee_payer ? transaction.fee_payer->view() : base::ByteView());
  if (transfer != nullptr) out.object(form_of(*transfer));
  return out.encode();
}

base::Result<Transaction, TransactionError> parse_transaction(base::ByteView bytes) {
  if (bytes.size() > kContentBytesMax) return TransactionError::too_large;
  CanonReader in(bytes);
  const auto root = in.root(kTransactionWords, kTransactionPointers);
  const std::uint64_t form = in.word(root, 5);
  if (!in.ok()) return TransactionError::malformed;
  if (form != version_and_kind(BodyKind::transfer) && form != version_and_kind(BodyKind::faucet))
    return (form & 0xffff) == 0 || form >> 32 != 0 ? TransactionError::malformed : TransactionError::unsupported;
  Transaction out;
  out.nonce = {in.word(root, 0)};
  out.last_height = {in.word(root, 1)};
  out.gas = {in.word(root, 2)};
  out.fee_max = read_amount(in, root, 3);
  out.tip = read_amount(in, root, 4);
  out.chain = in.fixed<ChainId>(root, 0);
  out.from = in.fixed<wallet::Address>(root, 1);
  out.salt = {in.word(root, 6)};
  if (in.has(root, 2)) out.fee_payer = in.fixed<wallet::Address>(root, 2);
  if (form == version_and_kind(BodyKind::transfer)) {
    out.body = read_transfer(in, in.object(root, 3, 0, 2));
  } else {
    in.null(root, 3);
    out.body = Faucet{};
  }
  if (!in.ended()) return TransactionError::malformed;
  if (const auto wrong = flaw(out)) return *wrong;
  return out;
}

TxId id_of(const Transaction& transaction) { return id_of_bytes(encode(transaction)); }

base::Bytes encode(const SignedTransaction& transaction) { return encode(transaction, encode(transaction.content)); }

base::Result<SignedTransaction, TransactionError> parse_signed_transaction(base::ByteView bytes) {
  if (bytes.size() > kTransactionBytesMax) return TransactionError::too_large;
  CanonReader in(bytes);
  const auto root = in.root(0, 3);
  const auto content_bytes = in.data(root, 0, kContentBytesMax);
  if (!in.ok()) return TransactionError::malformed;
  auto content = parse_transaction(content_bytes);
  if (!content.ok()) return content.error();
  auto from = read_authority(in, in.object(root, 1, 0, kAuthorityPointers));
  if (!from) return TransactionError::malformed;
  std::optional<Authority> payer;
  if (in.has(root, 2)) payer = read_authority(in, in.object(root, 2, 0, kAuthorityPointers));
  if (!in.ended() || payer.has_value() != content.value().fee_payer.has_value()) return TransactionError::malformed;
  return SignedTransaction{std::move(content).value(), std::move(*from), std::move(payer)};
}

base::Bytes signed_bytes(const Transaction& transaction, Fork fork) {
  return signed_bytes(kTransactionDomain, transaction.chain, fork, encode(transaction));
}

base::Result<Approved, TransactionError> Approved::verify(SignedTransaction transaction, const ChainId& chain,
                                                          Fork fork) {
  const Transaction& content = transaction.content;
  if (const auto wrong = flaw(content)) return *wrong;
  if (content.chain != chain) return TransactionError::wrong_chain;
  if (transaction.fee_payer.has_value() != content.fee_payer.has_value()) return TransactionError::authority;
  const base::Bytes bytes = encode(content);
  const base::Bytes message = signed_bytes(kTransactionDomain, content.chain, fork, bytes);
  if (!speaks_for(transaction.from, content.from, message)) return TransactionError::authority;
  if (content.fee_payer && !speaks_for(*transaction.fee_payer, *content.fee_payer, message))
    return TransactionError::authority;
  const TxId id = id_of_bytes(bytes);
  base::Bytes encoded = encode(transaction, bytes);
  const Gas gas = gas_of(transaction, bytes);
  return Approved(std::make_shared<const Held>(Held{std::move(transaction), id, std::move(encoded), gas}));
}

Gas gas_of(const SignedTransaction& transaction) { return gas_of(transaction, encode(transaction.content)); }

}  // namespace troupe::chain
