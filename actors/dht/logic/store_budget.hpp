#pragma once
// How many stores and announcements of each node are looked at: a signature costs far more to check than to make up.
//
// Why     a check of Ed25519 takes some 70 us; with these limits one node takes at most 4 % of a core.
// Id      a budget is for an id that has shown a token, so no node spends the budget of another.
// Limits  kStorersMax budgets. One that is full again is forgotten; while none is, new nodes wait.
// Owner   one actor. Time is monotonic and given by the caller.
#include <map>
#include <optional>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/rate_limit.hpp"

namespace troupe::dht {

/// Our choice: more than a sweep in a network of few nodes, each of which holds all of a region: 512 records, and a
/// second's pause.
struct StoreLimits {
  std::uint32_t per_second = 512;
  std::uint32_t burst = 2'048;
};
inline constexpr std::size_t kStorersMax = 4'096;  // our choice: 400 KiB

class StoreBudget {
 public:
  explicit StoreBudget(StoreLimits limits) : limits_(limits) {}

  /// Takes one store of `from`. Else how long it should wait; then nothing has changed.
  std::optional<base::Duration> take(const base::NodeId& from, base::Instant now) {
    if (storers_.size() >= kStorersMax && !storers_.contains(from))
      std::erase_if(storers_, [now](const auto& one) { return one.second.full(now); });
    if (storers_.size() >= kStorersMax && !storers_.contains(from)) return std::chrono::seconds(1);
    auto& budget = storers_.try_emplace(from, limits_.per_second, limits_.burst, now).first->second;
    if (budget.take(now)) return std::nullopt;
    return budget.wait(now);
  }
  std::size_t storers() const { return storers_.size(); }

 private:
  StoreLimits limits_;
  std::map<base::NodeId, base::RateLimit> storers_;
};

}  // namespace troupe::dht
