#include "actors/wallet/logic/ledger/transfer.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet {
namespace {

constexpr std::string_view kTransferMark = "troupe transfer v1";
constexpr std::string_view kIssuanceKind = "issue";

}  // namespace

base::Result<Amount, TransferError> total_of(const Transfer& transfer) {
  if (transfer.number.value == 0) return TransferError::number;
  if (transfer.credits.empty() || transfer.credits.size() > kCreditsMax) return TransferError::credits;
  if (transfer.memo.size() > kMemoBytesMax || !base::is_plain(transfer.memo)) return TransferError::memo;
  Amount total;
  const Address issuance = issuance_of(transfer.book);
  for (const Credit& credit : transfer.credits) {
    if (credit.amount == Amount()) return TransferError::amount;
    if (credit.to == transfer.from) return TransferError::itself;
    if (credit.to == issuance) return TransferError::issuance;
    const auto sum = plus(total, credit.amount);
    if (!sum) return TransferError::total;
    total = *sum;
  }
  return total;
}

base::Bytes encode(const Transfer& transfer) {
  base::ensure(transfer.credits.size() <= kCreditsMax && transfer.memo.size() <= kMemoBytesMax,
               "a transfer is within its limits where it is encoded");
  base::Bytes out;
  base::append(out, base::as_bytes(kTransferMark));
  base::append(out, transfer.book.view());
  base::append(out, transfer.from.view());
  base::append_number(out, transfer.number.value);
  out.push_back(static_cast<std::uint8_t>(transfer.credits.size()));
  for (const Credit& credit : transfer.credits) {
    base::append(out, credit.to.view());
    base::append_number(out, credit.amount.units());
  }
  base::append_number(out, static_cast<std::uint16_t>(transfer.memo.size()));
  base::append(out, base::as_bytes(transfer.memo));
  return out;
}

std::optional<Transfer> decode_transfer(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kTransferMark.size())) != kTransferMark) return std::nullopt;
  Transfer out;
  out.book = in.fixed<BookId>();
  out.from = in.fixed<Address>();
  out.number = {in.number<std::uint64_t>()};
  const std::size_t credits = in.number<std::uint8_t>();
  if (!in.ok() || credits > kCreditsMax) return std::nullopt;
  for (std::size_t i = 0; i < credits; ++i) {
    const auto to = in.fixed<Address>();
    const auto amount = Amount::from(in.number<std::uint64_t>());
    if (!amount) return std::nullopt;
    out.credits.push_back({to, *amount});
  }
  const std::size_t memo = in.number<std::uint16_t>();
  if (!in.ok() || memo > kMemoBytesMax) return std::nullopt;
  out.memo = base::as_text(in.take(memo));
  if (!in.ended() || !total_of(out).ok()) return std::nullopt;
  return out;
}

TransferId id_of(const Transfer& transfer) { return {crypto::sha256(encode(transfer)).bytes}; }

Address issuance_of(const BookId& book) { return account_of(kIssuanceKind, book.view()); }

std::optional<Order> Order::approved(Transfer transfer, const Policy& policy, std::span<const Approval> approvals) {
  if (policy.address() != transfer.from || !total_of(transfer).ok()) return std::nullopt;
  if (!policy.approved(encode(transfer), approvals)) return std::nullopt;
  const Address by = transfer.from;
  return Order(std::move(transfer), by);
}

Order Order::of_account(Transfer transfer, std::string_view kind, base::ByteView id) {
  base::ensure(kind != kIssuanceKind && transfer.from == account_of(kind, id),
               "an account of the book is debited by the part that keeps it");
  const Address by = transfer.from;
  return Order(std::move(transfer), by);
}

Order Order::issue(Transfer transfer, const Address& owner) {
  base::ensure(transfer.from == issuance_of(transfer.book), "money is issued from the issuance of its book");
  return Order(std::move(transfer), owner);
}

}  // namespace troupe::wallet
