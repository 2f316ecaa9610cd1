#pragma once
// Raises the alarm budget_full when a budget refuses untrusted nodes: at most once a second, because they decide how
// often it refuses.
//
// Owner   one actor, or the code that has the lock of its budget.
#include <optional>
#include <string>

#include "runtime/actor/node.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::runtime {

class BudgetAlarm {
 public:
  /// `resource` is in the plural, for people: "handshakes".
  explicit BudgetAlarm(std::string resource) : resource_(std::move(resource)) {}

  void refused(Node& node, const base::AddressGroup& group, base::Instant now) {
    if (said_ && now - *said_ < kSayAgain) return;
    said_ = now;
    node.alarms().sound(Alarm::budget_full, resource_ + " of " + base::text(group), base::Duration::zero(), now);
  }

 private:
  static constexpr std::chrono::seconds kSayAgain{1};
  std::string resource_;
  std::optional<base::Instant> said_;
};

}  // namespace troupe::runtime
