#pragma once
// What all other nodes together may cost this node's DHT per second: requests, checks of records, and bytes on disk.
//
// Shares  by address group and id, with a reserve for this node (runtime/base/rate_budget.hpp).
// Id      the node has shown a token before a store is charged, so no node can spend another node's share.
// Burst   kBurstSeconds of the rate: more than a node needs to republish what it has put.
// Owner   one head; not thread-safe. Time is monotonic and given by the caller.
#include <optional>
#include <string_view>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/rate_budget.hpp"

namespace troupe::dht {

/// Settings; each limit applies to all other nodes together.
struct BudgetLimits {
  std::uint32_t questions_per_second = 4'096;   ///< our choice: a tenth of a core
  std::uint32_t checks_per_second = 1'024;      ///< of signatures and hashes; our choice: a tenth of a core
  std::uint32_t written_per_second = 8u << 20;  ///< bytes; our choice: a tenth of a plain disk's throughput
};
inline constexpr std::uint32_t kBurstSeconds = 4;  // our choice
inline constexpr std::uint32_t kRowCost = 2'048;   // bytes added per row: its share of a sync
inline constexpr std::uint32_t kReadCost = 2'048;  // bytes that cost as much as a request; our choice: 8 MiB/s

enum class Resource : std::uint8_t { questions, checks, written };
inline constexpr std::size_t kResources = 3;
/// Returns the name in metrics.
constexpr std::string_view name(Resource resource) {
  constexpr std::string_view kNames[kResources] = {"dht.questions", "dht.checks", "dht.written"};
  return kNames[static_cast<std::size_t>(resource)];
}
/// Returns the bytes charged for writing a record of that size.
constexpr std::uint32_t written(std::size_t bytes) { return kRowCost + static_cast<std::uint32_t>(bytes); }

/// Returns the requests charged, in addition to the request itself, for a record of that size read from the store.
constexpr std::uint32_t read_cost(std::size_t bytes) { return static_cast<std::uint32_t>(bytes / kReadCost); }

class Budgets {
 public:
  using User = base::User<base::NodeId>;

  explicit Budgets(const BudgetLimits& limits)
      : questions_(rate(limits.questions_per_second)),
        checks_(rate(limits.checks_per_second)),
        written_(rate(limits.written_per_second)) {}

  /// Charges `count` to the budget. Returns nullopt, or how long `user` has to wait at least; then nothing was charged.
  /// This node never waits: it spends what is left.
  std::optional<base::Duration> take(Resource resource, const User& user, base::Instant now, std::uint32_t count = 1) {
    const auto wait = of(resource).take(user, now, count);
    return user.reserved ? std::nullopt : wait;
  }

 private:
  using Budget = base::RateBudget<base::NodeId>;
  static Budget rate(std::uint32_t per_second) { return {{per_second, kBurstSeconds * per_second}, base::Instant{}}; }
  Budget& of(Resource resource) {
    switch (resource) {
      case Resource::questions: return questions_;
      case Resource::checks: return checks_;
      case Resource::written: break;
    }
    return written_;
  }

  Budget questions_, checks_, written_;
};

}  // namespace troupe::dht
