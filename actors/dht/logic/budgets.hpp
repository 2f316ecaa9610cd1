#pragma once
// What other nodes together may cost the DHT of this node in a second: questions, checks of records, and bytes on disk.
//
// Shares  those of runtime/base/rate_budget.hpp: address group, id, and a reserve for this node itself.
// Id      a token was shown before a store costs anything, so no node spends the share of another.
// Burst   kBurstSeconds of the rate: more than a sweep of a node that publishes again what it has put.
// Owner   one head; not thread-safe. Time is monotonic and given by the caller.
#include <optional>
#include <string_view>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/rate_budget.hpp"

namespace troupe::dht {

/// Settings, each of all other nodes together.
struct BudgetLimits {
  std::uint32_t questions_per_second = 4'096;   ///< our choice: a tenth of a core
  std::uint32_t checks_per_second = 1'024;      ///< of signatures and hashes; our choice: a tenth of a core
  std::uint32_t written_per_second = 8u << 20;  ///< bytes; our choice: a tenth of what a plain disk writes
};
inline constexpr std::uint32_t kBurstSeconds = 4;  // our choice
inline constexpr std::uint32_t kRowCost = 2'048;   // bytes, beside its own: a row costs a part of a sync
inline constexpr std::uint32_t kReadCost = 2'048;  // bytes that cost as much as a question; our choice: 8 MiB/s

enum class Resource : std::uint8_t { questions, checks, written };
inline constexpr std::size_t kResources = 3;
/// As in metrics.
constexpr std::string_view name(Resource resource) {
  constexpr std::string_view kNames[kResources] = {"dht.questions", "dht.checks", "dht.written"};
  return kNames[static_cast<std::size_t>(resource)];
}
/// Bytes on disk, of a record of that size.
constexpr std::uint32_t written(std::size_t bytes) { return kRowCost + static_cast<std::uint32_t>(bytes); }

/// Questions, beside the one that asks, of a record of that size that is read from the store.
constexpr std::uint32_t read_cost(std::size_t bytes) { return static_cast<std::uint32_t>(bytes / kReadCost); }

class Budgets {
 public:
  using User = base::User<base::NodeId>;

  explicit Budgets(const BudgetLimits& limits)
      : questions_(rate(limits.questions_per_second)),
        checks_(rate(limits.checks_per_second)),
        written_(rate(limits.written_per_second)) {}

  /// Takes `count` of it. Else how long `user` waits at least; then nothing has changed. This node itself never waits:
  /// it spends what is there.
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
