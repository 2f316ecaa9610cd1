#pragma once
// Transfers of accounts with several signers, while their signatures are collected.
//
// Rule    the signature that reaches the threshold orders the proposal, once; later signatures are refused. The number
//         is part of the signed bytes, so at most one of two proposals with the same number is paid.
// States  open -> ordered or expired; an ordered proposal is kept until it expires.
// Limits  per account kProposalsMax proposals that can still be paid, in equal quotas per signer. They live at most
//         kProposalLifeMax.
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "actors/wallet/logic/ledger/book.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kProposalsMax = 64;                         // our choice
inline constexpr UnixMs kProposalLifeMax = std::chrono::hours(24 * 30);  // our choice
inline constexpr UnixMs kProposalLifeMin = std::chrono::seconds(1);

enum class ProposalError : std::uint8_t {
  unknown,     ///< no such proposal
  transfer,    ///< it breaks the rules of a transfer, or the policy is not the account's
  life,        ///< it would expire too soon or too late
  not_signer,  ///< the key is not in the policy, or the signature is wrong
  ordered,     ///< enough signers have signed already
  expired,     ///< the proposal has expired
  full,        ///< the account has kProposalsMax, or the signer has used up its quota
};
std::string_view name(ProposalError error);

struct Proposal {
  Transfer transfer;
  Policy policy;
  std::vector<Approval> approvals;
  UnixMs expires{0};
  bool ordered = false;
};

class Proposals {
 public:
  /// Makes a proposal with a first signature, or adds the signature if the proposal exists. `done`: the number of the
  /// account's latest posted transfer.
  base::Result<std::optional<Order>, ProposalError> propose(Transfer transfer, const Policy& policy,
                                                            const Approval& approval, UnixMs expires, UnixMs now,
                                                            TransferNumber done);

  /// Adds a signature. Returns the order if this signature reaches the threshold. Repeating a signature changes
  /// nothing, unless the proposal is ordered.
  base::Result<std::optional<Order>, ProposalError> sign(const TransferId& id, const Approval& approval, UnixMs now);

  /// Restores a stored proposal, in place of the known state of that proposal.
  void put(Proposal proposal);
  void erase(const TransferId& id);

  /// Forgets expired proposals, and returns their ids.
  std::vector<TransferId> expire(UnixMs now);

  /// Returns null if the proposal is unknown.
  const Proposal* find(const TransferId& id) const;
  const std::map<TransferId, Proposal>& all() const { return all_; }

 private:
  bool full(const Transfer& transfer, const Policy& policy, const Approval& first, UnixMs now,
            TransferNumber done) const;

  std::map<TransferId, Proposal> all_;
  std::set<std::pair<UnixMs, TransferId>> by_expiry_;
};

}  // namespace troupe::wallet
