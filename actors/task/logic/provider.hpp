#pragma once
// Decides whose tasks a provider takes, and when (task.accept, task.signers, task.deny, task.hours, task.time_max). The
// provider's own tasks, and spot checks, are taken at all hours. Denied ids are never taken.
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/registry/api.hpp"
#include "actors/task/logic/order.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::task {

inline constexpr std::size_t kHoursMax = 16;
inline constexpr std::size_t kListedMax = 1'024;  // of signers, and of denied ids

/// Hours of the day in UTC: "22:00-06:00" includes midnight. Neither a whole day nor empty.
struct Hours {
  std::chrono::minutes from{0}, until{0};
  bool contains(std::chrono::minutes of_day) const;
  static std::optional<Hours> parse(std::string_view text);
};

/// Returns what is wrong with an item of a setting, for people, or nullopt if it is valid.
std::optional<std::string> hours_fault(const std::string& text);
std::optional<std::string> signer_fault(const std::string& text);
std::optional<std::string> denied_fault(const std::string& text);

/// Whose tasks a node takes, except its own: the nodes in task.signers, or all nodes.
enum class Accept : std::uint8_t { listed, any };
/// Returns nullopt unless the text is "listed" or "any".
std::optional<Accept> accept_typed(std::string_view text);

class Provider {
 public:
  /// Takes the tasks of any node, at all hours.
  Provider() = default;
  /// Requires that the settings have no fault.
  Provider(Accept accept, const std::vector<std::string>& hours, const std::vector<std::string>& signers,
           const std::vector<std::string>& denied, base::Duration time_max = std::chrono::hours(24));

  /// Returns why this node refuses an order that another node has signed, and after what time a retry makes sense.
  /// Returns nullopt if it takes the order.
  std::optional<base::Error> refusal(const Order& order, const base::NodeId& signer, base::WallTime at) const;

  /// Returns the value of kTasksCapability: "any"; or the ids of task.signers and "listed"; or the text "listed" if the
  /// ids exceed a list's limit.
  decltype(registry::Capability::value) told() const;

 private:
  std::chrono::minutes until_open(std::chrono::minutes of_day) const;

  base::Duration time_max_ = std::chrono::hours(24);
  std::vector<Hours> hours_;  // empty: all hours
  Accept accept_ = Accept::any;
  std::set<base::NodeId> signers_;
  std::set<base::NodeId> denied_;
  std::set<Cid> denied_contents_;  // programs, roots and inputs
};

}  // namespace troupe::task
