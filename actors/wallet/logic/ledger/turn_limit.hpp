#pragma once
// A rate limit for payments; accounts that exceed it take turns.
//
// Debt    a payment needs one available token, and may take more than are left: a payment of many tokens waits as long
//         as a payment of one. The missing tokens delay later payments.
// Turn    each account has one turn at a time, in the order of arrival. Its tokens are reserved for it, so that later
//         or more frequent accounts cannot take them. An account that does not come within kKept after its turn loses
//         it.
// Limits  kTurnsMax accounts wait; a further account gets no turn, and tries again after kFull.
// Time    monotonic, given by the caller.
// Owner   one book; not thread-safe.
#include <map>

#include "actors/wallet/logic/address.hpp"
#include "runtime/base/rate_budget.hpp"

namespace troupe::wallet {

class TurnLimit {
 public:
  static constexpr std::size_t kTurnsMax = 4'096;   // our choice: 400 KiB
  static constexpr std::chrono::minutes kKept{2};   // our choice: four times the longest pause of a waiting account
  static constexpr std::chrono::seconds kFull{30};  // our choice
  /// Begins with all tokens.
  explicit TurnLimit(base::Rate rate) : each_(base::Duration(std::chrono::seconds(1)) / rate.per_second), rate_(rate) {}

  /// Takes `count` tokens, at least one, for a payment of `account` and returns zero, or returns the time to its turn.
  base::Duration take(const Address& account, base::Instant now, std::uint32_t count) {
    if (const auto own = turns_.find(account); own != turns_.end()) {
      const base::Instant turn = own->second;
      if (now < turn) return turn - now;
      turns_.erase(own);
      if (now < turn + kKept) return base::Duration::zero();
    }
    const base::Instant spent = std::max(spent_, now - each_ * rate_.burst), turn = spent + each_;
    if (turn > now) {
      if (turns_.size() >= kTurnsMax) std::erase_if(turns_, [&](const auto& one) { return one.second + kKept <= now; });
      if (turns_.size() >= kTurnsMax) return kFull;
      turns_.emplace(account, turn);
    }
    spent_ = spent + each_ * count;
    return std::max(turn - now, base::Duration::zero());
  }
  std::size_t turns() const { return turns_.size(); }

 private:
  const base::Duration each_;  // time per token
  const base::Rate rate_;
  base::Instant spent_{base::Duration::min() / 2};  // all tokens until this time have been used
  std::map<Address, base::Instant> turns_;
};

}  // namespace troupe::wallet
