#include "actors/wallet/logic/ledger/audit.hpp"

#include <algorithm>

namespace troupe::wallet {

std::string_view name(AuditError error) {
  switch (error) {
    case AuditError::chain: return "does not follow from the posting before";
    case AuditError::transfer: return "breaks the rules of a transfer";
    case AuditError::number: return "is not the next transfer of its account";
    case AuditError::balance: return "debits more than the account had";
    case AuditError::issuer: return "was not made by the account's owner";
  }
  return "is wrong";
}

std::optional<AuditError> Audit::flaw(const Posting& posting) {
  const Transfer& transfer = posting.transfer;
  if (posting.sequence != head_.sequence + 1 || posting.before != head_.hash || posting.time < head_.time)
    return AuditError::chain;
  const auto total = total_of(transfer);
  if (!total.ok() || transfer.book != genesis_.id()) return AuditError::transfer;
  const bool issues = transfer.from == issuance_of(transfer.book);
  if (posting.by != (issues ? genesis_.owner : transfer.from)) return AuditError::issuer;
  Row& from = rows_[transfer.from];
  if (transfer.number.value != from.debits + 1) return AuditError::number;
  const auto left = issues ? plus(from.balance, total.value()) : minus(from.balance, total.value());
  if (!left) return AuditError::balance;
  from = {*left, from.debits + 1};
  for (const Credit& credit : transfer.credits) {
    Row& to = rows_[credit.to];
    to.balance = to.balance + credit.amount;
  }
  if (issues) {
    report_.issued = report_.issued + total.value();
    Amount& issued = report_.issuers[posting.by];
    issued = issued + total.value();
  }
  return std::nullopt;
}

void Audit::take(const Posting& posting) {
  if (report_.broken) return;
  report_.broken = flaw(posting);
  if (report_.broken) {
    report_.broken_at = head_.sequence + 1;
    return;
  }
  head_ = {posting.sequence, posting.time, hash_of(posting)};
  ++report_.postings;
}

AuditReport Audit::finish(const std::map<Address, AccountRow>& stored, const Head& head) && {
  if (!report_.broken && head != head_) {
    report_.broken = AuditError::chain;
    report_.broken_at = head_.sequence + 1;
  }
  const Address issuance = issuance_of(genesis_.id());
  for (const auto& [address, row] : rows_) {
    const auto at = stored.find(address);
    if (at == stored.end() || at->second != AccountRow{row.balance, {row.debits}})
      report_.mismatches.push_back(address);
    if (address == issuance) continue;
    ++report_.accounts;
    report_.sum = report_.sum + row.balance;
  }
  for (const auto& [address, row] : stored)
    if (!rows_.contains(address) && row != AccountRow{}) report_.mismatches.push_back(address);
  std::sort(report_.mismatches.begin(), report_.mismatches.end());
  return std::move(report_);
}

}  // namespace troupe::wallet
