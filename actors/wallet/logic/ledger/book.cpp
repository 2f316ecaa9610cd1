#include "actors/wallet/logic/ledger/book.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet {
namespace {

constexpr std::string_view kPostingMark = "troupe posting v1";

}  // namespace

BookId Genesis::id() const { return {crypto::sha256(base::as_bytes("troupe book v1"), owner.view(), nonce).bytes}; }

base::Bytes encode(const Posting& posting) {
  base::Bytes out;
  base::append(out, base::as_bytes(kPostingMark));
  base::append_number(out, posting.sequence);
  base::append_number(out, posting.time.count());
  base::append(out, posting.by.view());
  base::append(out, posting.before.view());
  base::append(out, encode(posting.transfer));
  return out;
}

std::optional<Posting> decode_posting(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kPostingMark.size())) != kPostingMark) return std::nullopt;
  Posting out;
  out.sequence = in.number<std::uint64_t>();
  out.time = UnixMs(in.number<std::uint64_t>());
  out.by = in.fixed<Address>();
  out.before = in.fixed<base::Digest>();
  if (!in.ok() || out.sequence == 0) return std::nullopt;
  auto transfer = decode_transfer(in.rest());
  if (!transfer) return std::nullopt;
  out.transfer = std::move(*transfer);
  return out;
}

base::Digest hash_of(const Posting& posting) { return crypto::sha256(encode(posting)); }

Head first_head(const Genesis& genesis) { return {0, UnixMs(0), {genesis.id().bytes}}; }

std::string_view name(LedgerError error) {
  switch (error) {
    case LedgerError::malformed: return "the transfer is invalid";
    case LedgerError::wrong_book: return "the transfer was signed for another book";
    case LedgerError::not_owner: return "only the owner of the book can issue money";
    case LedgerError::funds: return "the account's balance is too small";
    case LedgerError::too_much: return "the issue would exceed the limit of 2^63 - 1 in all";
    case LedgerError::ahead: return "earlier transfers of this account are missing";
    case LedgerError::taken: return "another transfer of this account was posted with the same number";
  }
  return "refused";
}

base::Result<std::variant<Posting, Already>, LedgerError> decide(const Genesis& genesis, const Head& head,
                                                                 const BookRows& rows, const Order& order, UnixMs now,
                                                                 const base::Mutations& mutations) {
  using Decision = std::variant<Posting, Already>;
  const Transfer& transfer = order.transfer();
  const auto total = total_of(transfer);
  if (!total.ok()) return LedgerError::malformed;
  if (transfer.book != genesis.id()) return LedgerError::wrong_book;
  const bool issues = transfer.from == issuance_of(transfer.book);
  if (issues && order.by() != genesis.owner) return LedgerError::not_owner;

  const AccountRow from = rows.account(transfer.from);
  if (transfer.number <= from.done && !mutations.on("wallet.posts_again")) {
    const auto posted = rows.posted(transfer.from, transfer.number);
    base::ensure(posted.has_value(), "each number up to the latest one has its transfer");
    if (*posted != id_of(transfer)) return LedgerError::taken;
    mutations.sometimes("wallet: a transfer came again");
    return Decision(Already{*posted});
  }
  if (transfer.number > next(from.done)) return LedgerError::ahead;
  if (issues && !plus(from.balance, total.value())) return LedgerError::too_much;
  if (!issues && from.balance < total.value() && !mutations.on("wallet.overdraws")) return LedgerError::funds;
  return Decision(Posting{head.sequence + 1, std::max(head.time, now), order.by(), head.hash, transfer});
}

std::map<Address, AccountRow> changed_by(const Posting& posting, const BookRows& rows) {
  const Transfer& transfer = posting.transfer;
  const auto total = total_of(transfer);
  base::ensure(total.ok(), "a posting has a transfer that was decided");
  std::map<Address, AccountRow> out;
  AccountRow& from = out[transfer.from];
  from = rows.account(transfer.from);
  from.balance =
      transfer.from == issuance_of(transfer.book) ? from.balance + total.value() : from.balance - total.value();
  from.done = transfer.number;
  for (const Credit& credit : transfer.credits) {
    const auto [at, fresh] = out.try_emplace(credit.to);
    if (fresh) at->second = rows.account(credit.to);
    at->second.balance = at->second.balance + credit.amount;
  }
  return out;
}

AccountRow MemoryBook::account(const Address& address) const {
  const auto at = accounts_.find(address);
  return at == accounts_.end() ? AccountRow{} : at->second;
}

std::optional<TransferId> MemoryBook::posted(const Address& from, TransferNumber number) const {
  const auto at = numbers_.find({from, number});
  if (at == numbers_.end()) return std::nullopt;
  return at->second;
}

base::Result<TransferId, LedgerError> MemoryBook::post(const Order& order, UnixMs now,
                                                       const base::Mutations& mutations) {
  auto decision = decide(genesis_, head_, *this, order, now, mutations);
  if (!decision.ok()) return decision.error();
  if (const auto* already = std::get_if<Already>(&decision.value())) return already->id;
  auto& posting = std::get<Posting>(decision.value());
  const TransferId id = id_of(posting.transfer);
  for (const auto& [address, row] : changed_by(posting, *this)) accounts_[address] = row;
  numbers_[{posting.transfer.from, posting.transfer.number}] = id;
  head_ = {posting.sequence, posting.time, hash_of(posting)};
  postings_.push_back(std::move(posting));
  return id;
}

}  // namespace troupe::wallet
