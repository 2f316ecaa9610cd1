#include "actors/chain/logic/book_transfer.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/derive.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

using wallet::Amount;

constexpr std::string_view kTermsBegin = " [until ", kTermsFee = ", fee ", kTermsEnd = "]";

/// Removes a number in its only decimal form from the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t out = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (wrong != std::errc() || digits == 0 || (digits > 1 && text[0] == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return out;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

wallet::BookId book_of(const ChainId& chain, const base::PublicKey& node) {
  return {crypto::sha256(base::as_bytes("troupe chain book v1"), chain.view(), node.view()).bytes};
}

std::string memo_with(std::string_view memo, const BookTerms& terms) {
  std::string out(memo);
  out += kTermsBegin;
  out += std::to_string(terms.last_height.value);
  out += kTermsFee;
  out += terms.fee_max.text();
  out += kTermsEnd;
  return out;
}

std::optional<BookTerms> terms_in(std::string_view memo) {
  const auto at = memo.rfind(kTermsBegin);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = memo.substr(at + kTermsBegin.size());
  const auto height = take_number(rest);
  if (!height || !take_word(rest, kTermsFee)) return std::nullopt;
  const auto fee = take_number(rest);
  const auto fee_max = fee ? Amount::from(*fee) : std::nullopt;
  if (!fee_max || rest != kTermsEnd) return std::nullopt;
  return BookTerms{{*height}, *fee_max};
}

BookTerms terms_now(Height height, Gas gas, std::uint64_t base_fee) {
  const wallet::Wide fee = wallet::Wide{2} * gas.value * base_fee;
  return {{height.value + kBookHeights},
          Amount::of(static_cast<std::uint64_t>(std::min<wallet::Wide>(fee, Amount::kMax)))};
}

crypto::SecretKey kept_key(const crypto::SecretKey& node, const ChainId& chain, const wallet::Address& account) {
  crypto::Seed secret;
  node.copy_seed(secret);
  base::Bytes what;
  base::append(what, base::as_bytes("troupe kept account v1"));
  base::append(what, chain.view());
  base::append(what, account.view());
  const crypto::Secret512 derived = crypto::hmac_sha512(secret.bytes, what);
  const crypto::Seed seed(std::span(derived.bytes).first<32>());
  return crypto::SecretKey(seed);
}

SignedTransaction transaction_of(const wallet::Transfer& transfer, const ChainId& chain, Nonce nonce,
                                 const BookTerms& terms, const wallet::Policy& from,
                                 const std::optional<wallet::Policy>& payer, const Counterpart& on_chain) {
  Transfer body{.credits = {}, .reference = transfer.memo};
  for (const wallet::Credit& credit : transfer.credits) body.credits.push_back({on_chain(credit.to), credit.amount});
  SignedTransaction out{{chain, from.address(), nonce, terms.last_height, {}, terms.fee_max, {}, std::move(body)},
                        Authority{from}};
  if (payer) {
    out.content.fee_payer = payer->address();
    out.fee_payer = Authority{*payer};
  }
  out.content.gas = gas_of(out);
  return out;
}

std::optional<SignedTransaction> transaction_of(const wallet::Transfer& transfer, const ChainId& chain,
                                                const wallet::Policy& from, const Counterpart& on_chain) {
  const auto terms = terms_in(transfer.memo);
  if (!terms || transfer.number.value == 0 || from.address() != transfer.from) return std::nullopt;
  return transaction_of(transfer, chain, Nonce{transfer.number.value - 1}, *terms, from, std::nullopt, on_chain);
}

std::optional<wallet::Transfer> transfer_of(const Transaction& transaction, const wallet::BookId& book,
                                            const Counterpart& in_book) {
  const auto* body = std::get_if<Transfer>(&transaction.body);
  if (body == nullptr || transaction.nonce.value == UINT64_MAX) return std::nullopt;
  wallet::Transfer out{.book = book,
                       .from = in_book(transaction.from),
                       .number = {transaction.nonce.value + 1},
                       .credits = {},
                       .memo = body->reference};
  for (const wallet::Credit& credit : body->credits) out.credits.push_back({in_book(credit.to), credit.amount});
  return out;
}

KeptAccount::Standing KeptAccount::judge(wallet::TransferNumber number) const {
  if (number <= done_) return Standing::paid;
  return number == wallet::next(done_) ? Standing::next : Standing::ahead;
}

void KeptAccount::paid() {
  done_ = wallet::next(done_);
  ++next_.value;
}

void KeptAccount::failed() { ++next_.value; }

base::Bytes KeptAccount::encode() const {
  base::Bytes out;
  base::append_number(out, done_.value);
  base::append_number(out, next_.value);
  return out;
}

std::optional<KeptAccount> KeptAccount::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  KeptAccount out;
  out.done_ = {in.number<std::uint64_t>()};
  out.next_ = {in.number<std::uint64_t>()};
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::chain
