#pragma once
// What a provider says of whose tasks it takes, and when (task.hours, task.signers, task.deny, task.time_max).
// Its own tasks, and checks of what it can do, are taken at all hours; what is denied never is.
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/task/logic/order.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::task {

inline constexpr std::size_t kHoursMax = 16;
inline constexpr std::size_t kListedMax = 1'024;  // of signers, and of what is denied

/// A part of each day in UTC: "22:00-06:00" goes over midnight. Neither whole days nor nothing.
struct Hours {
  std::chrono::minutes from{0}, until{0};
  bool contains(std::chrono::minutes of_day) const;
  static std::optional<Hours> parse(std::string_view text);
};

/// What is wrong with an item of a setting, for people; nothing if it is good.
std::optional<std::string> hours_fault(const std::string& text);
std::optional<std::string> signer_fault(const std::string& text);
std::optional<std::string> denied_fault(const std::string& text);

class Provider {
 public:
  Provider() = default;
  /// Of settings that have no fault.
  Provider(const std::vector<std::string>& hours, const std::vector<std::string>& signers,
           const std::vector<std::string>& denied, base::Duration time_max = std::chrono::hours(24));

  /// Why it does not take this order, which another node has signed, and after what time asking again makes sense;
  /// nothing if it does.
  std::optional<base::Error> refusal(const Order& order, const base::NodeId& signer, base::WallTime at) const;

 private:
  std::chrono::minutes until_open(std::chrono::minutes of_day) const;

  base::Duration time_max_ = std::chrono::hours(24);
  std::vector<Hours> hours_;        // empty: all of them
  std::set<base::NodeId> signers_;  // empty: all
  std::set<base::NodeId> denied_;
  std::set<Cid> denied_contents_;  // programs, roots and inputs
};

}  // namespace troupe::task
