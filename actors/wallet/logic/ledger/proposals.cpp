#include "actors/wallet/logic/ledger/proposals.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::wallet {

std::string_view name(ProposalError error) {
  switch (error) {
    case ProposalError::unknown: return "the proposal does not exist";
    case ProposalError::transfer: return "the transfer is invalid, or the account has another policy";
    case ProposalError::life: return "invalid lifetime of the proposal: expected 1 second to 30 days";
    case ProposalError::not_signer: return "the signature is not from a signer of the account";
    case ProposalError::ordered: return "enough signers have already signed the proposal";
    case ProposalError::expired: return "the proposal has expired";
    case ProposalError::full:
      return "the account has its limit of 64 open proposals, or this signer has used its quota of them: wait until "
             "one is paid or expires";
  }
  return "refused";
}

base::Result<std::optional<Order>, ProposalError> Proposals::propose(Transfer transfer, const Policy& policy,
                                                                     const Approval& approval, UnixMs expires,
                                                                     UnixMs now, TransferNumber done) {
  if (!total_of(transfer).ok() || transfer.from != policy.address()) return ProposalError::transfer;
  const TransferId id = id_of(transfer);
  if (all_.contains(id)) return sign(id, approval, now);
  if (expires < now + kProposalLifeMin || expires > now + kProposalLifeMax) return ProposalError::life;
  // Checked first: an invalid proposal takes no slot.
  if (!policy.lists(approval.key) || !crypto::verify(approval.key, encode(transfer), approval.signature))
    return ProposalError::not_signer;
  if (full(transfer, policy, approval, now, done)) return ProposalError::full;
  put({std::move(transfer), policy, {}, expires});
  return sign(id, approval, now);
}

bool Proposals::full(const Transfer& transfer, const Policy& policy, const Approval& first, UnixMs now,
                     TransferNumber done) const {
  std::size_t of_account = 0, of_signer = 0;
  for (const auto& [id, one] : all_) {
    const bool payable = now < one.expires && !one.ordered && one.transfer.number > done;
    if (!payable || one.transfer.from != transfer.from) continue;
    ++of_account;
    of_signer += one.approvals.front().key == first.key ? 1 : 0;
  }
  return of_account >= kProposalsMax || of_signer >= kProposalsMax / policy.signers();
}

base::Result<std::optional<Order>, ProposalError> Proposals::sign(const TransferId& id, const Approval& approval,
                                                                  UnixMs now) {
  using Ordered = std::optional<Order>;
  const auto at = all_.find(id);
  if (at == all_.end()) return ProposalError::unknown;
  Proposal& proposal = at->second;
  if (now >= proposal.expires) return ProposalError::expired;
  if (proposal.ordered) return ProposalError::ordered;
  if (!proposal.policy.lists(approval.key) ||
      !crypto::verify(approval.key, encode(proposal.transfer), approval.signature))
    return ProposalError::not_signer;
  const auto same_key = [&](const Approval& one) { return one.key == approval.key; };
  if (std::ranges::any_of(proposal.approvals, same_key)) return Ordered(std::nullopt);
  proposal.approvals.push_back(approval);
  if (proposal.approvals.size() < proposal.policy.threshold()) return Ordered(std::nullopt);
  auto order = Order::approved(proposal.transfer, proposal.policy, proposal.approvals);
  base::ensure(order.has_value(), "signatures that were verified one by one approve the transfer");
  proposal.ordered = true;
  return order;
}

void Proposals::put(Proposal proposal) {
  const TransferId id = id_of(proposal.transfer);
  erase(id);
  by_expiry_.emplace(proposal.expires, id);
  all_.emplace(id, std::move(proposal));
}

void Proposals::erase(const TransferId& id) {
  const auto at = all_.find(id);
  if (at == all_.end()) return;
  by_expiry_.erase({at->second.expires, id});
  all_.erase(at);
}

std::vector<TransferId> Proposals::expire(UnixMs now) {
  std::vector<TransferId> gone;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    gone.push_back(by_expiry_.begin()->second);
    erase(gone.back());
  }
  return gone;
}

const Proposal* Proposals::find(const TransferId& id) const {
  const auto at = all_.find(id);
  return at == all_.end() ? nullptr : &at->second;
}

}  // namespace troupe::wallet
