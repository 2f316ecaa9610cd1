#pragma once
// A rate at which payments may use something; accounts that find nothing left use it in turns.
//
// Debt    a payment needs one token, and may take more than are there: one that needs many waits no longer than one
//         that needs one. What it took more is missing to those behind it.
// Turn    of an account, one at a time, in the order in which they came. What is taken at the turn is kept for it, so
//         who comes later or oftener takes nothing from it. One that does not come for kKept after its turn has lost
//         it.
// Limits  kTurnsMax accounts wait; the next one has no turn, and tries again after kFull.
// Time    monotonic, given by the caller.
// Owner   one book; not thread-safe.
#include <map>

#include "actors/wallet/logic/address.hpp"
#include "runtime/base/rate_budget.hpp"

namespace troupe::wallet {

class TurnLimit {
 public:
  static constexpr std::size_t kTurnsMax = 4'096;   // our choice: 400 KiB
  static constexpr std::chrono::minutes kKept{2};   // our choice: four times as long as who waits stays away
  static constexpr std::chrono::seconds kFull{30};  // our choice
  /// Full in the beginning.
  explicit TurnLimit(base::Rate rate) : each_(base::Duration(std::chrono::seconds(1)) / rate.per_second), rate_(rate) {}

  /// Takes `count` tokens, at least one, for a payment of `account`: then zero. Else how long it waits for its turn.
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
  const base::Duration each_;  // of a token
  const base::Rate rate_;
  base::Instant spent_{base::Duration::min() / 2};  // all tokens until then are taken
  std::map<Address, base::Instant> turns_;
};

}  // namespace troupe::wallet
