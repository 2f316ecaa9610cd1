#pragma once
// Transfers of accounts with several signers, while their signatures are gathered.
//
// Rule    a proposal is ordered at the signature that reaches the threshold, once; one more is refused. Its number is
//         part of what is signed: of two proposals with one number at most one is paid.
// States  open -> ordered or expired; an ordered one is not forgotten before it has expired.
// Limits  kProposalsMax of an account that can still be paid, in equal parts of its signers: none of them alone takes
//         all places. They live at most kProposalLifeMax.
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
  not_signer,  ///< the key is none of the policy's, or the signature is wrong
  ordered,     ///< enough have signed already
  expired,     ///< too late
  full,        ///< the account has kProposalsMax, or the signer its part of them
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
  /// Proposes with a first signature. The same proposal again is a signature of it. `done`: the latest number that the
  /// account has posted.
  base::Result<std::optional<Order>, ProposalError> propose(Transfer transfer, const Policy& policy,
                                                            const Approval& approval, UnixMs expires, UnixMs now,
                                                            TransferNumber done);

  /// Adds a signature. Gives the order at the one that reaches the threshold. A signature that is there already changes
  /// nothing, unless the proposal is ordered.
  base::Result<std::optional<Order>, ProposalError> sign(const TransferId& id, const Approval& approval, UnixMs now);

  /// One that was stored, in place of what is known of it.
  void put(Proposal proposal);
  void erase(const TransferId& id);

  /// Forgets what has expired, and says which.
  std::vector<TransferId> expire(UnixMs now);

  /// Null if it is not known.
  const Proposal* find(const TransferId& id) const;
  const std::map<TransferId, Proposal>& all() const { return all_; }

 private:
  bool full(const Transfer& transfer, const Policy& policy, const Approval& first, UnixMs now,
            TransferNumber done) const;

  std::map<TransferId, Proposal> all_;
  std::set<std::pair<UnixMs, TransferId>> by_expiry_;
};

}  // namespace troupe::wallet
