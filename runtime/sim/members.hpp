#pragma once
// The members of a group in one run, which are its first nodes, and which of them the faults have left intact.
//
// Owner   one workload.
#include <map>
#include <optional>

#include "runtime/sim/workload.hpp"

namespace troupe::sim {

/// Returns the first serving node at or after `from`, with wrap-around; nullopt if none serves.
std::optional<std::size_t> first_serving(const Nodes& nodes, std::size_t from);

class Members {
 public:
  Members(const Nodes& nodes, const Scenario& scenario);

  /// Sets the number of members, at most the number of nodes.
  void are(std::size_t count);
  std::size_t count() const { return count_; }
  /// Returns the number of members that have lost nothing.
  std::size_t whole() const;
  /// Whether a majority has lost nothing, and its clocks still reach deadlines within the time of a run.
  bool clocks_go_on() const;

 private:
  const Nodes& nodes_;
  std::size_t count_ = 0;
  std::map<std::size_t, std::int64_t> stepped_ms_;  // total steps of each node's date by faults
};

}  // namespace troupe::sim
