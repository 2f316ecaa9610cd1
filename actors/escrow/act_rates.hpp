#pragma once
// Counts effective acts per account in this minute. An act that another caller repeats has no effect, so it does not
// count against its account.
//
// Limits  kAccountsMax accounts. Keys cost nothing, so when the table is full, further accounts are not counted or
//         refused.
// Safety  any thread.
#include <cstdint>
#include <map>
#include <mutex>

#include "actors/wallet/api.hpp"

namespace troupe::escrow {

class ActRates {
 public:
  static constexpr std::size_t kAccountsMax = 100'000;  // our choice

  explicit ActRates(std::uint32_t per_minute) : per_minute_(per_minute) {}

  bool may(const wallet::Address& account) const {
    const std::lock_guard hold(lock_);
    const auto known = acts_.find(account);
    return known == acts_.end() || known->second < per_minute_;
  }
  void note(const wallet::Address& account) {
    const std::lock_guard hold(lock_);
    if (acts_.size() < kAccountsMax || acts_.contains(account)) ++acts_[account];
  }
  /// Begins a new minute.
  void clear() {
    const std::lock_guard hold(lock_);
    acts_.clear();
  }

 private:
  const std::uint32_t per_minute_;
  mutable std::mutex lock_;
  std::map<wallet::Address, std::uint32_t> acts_;
};

}  // namespace troupe::escrow
