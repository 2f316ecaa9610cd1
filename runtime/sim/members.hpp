#pragma once
// The members of a group in one world, which are its first nodes: what the world has left of them.
//
// Owner   one workload.
#include <map>
#include <optional>

#include "runtime/sim/workload.hpp"

namespace troupe::sim {

/// The first node from `from` on, around, that serves; nothing if none does.
std::optional<std::size_t> first_serving(const Nodes& nodes, std::size_t from);

class Members {
 public:
  Members(const Nodes& nodes, const Scenario& scenario);

  /// At most as many as there are nodes.
  void are(std::size_t count);
  std::size_t count() const { return count_; }
  /// Those that have lost nothing.
  std::size_t whole() const;
  /// Whether a majority has lost nothing, and passes deadlines within the time of a world.
  bool clocks_go_on() const;

 private:
  const Nodes& nodes_;
  std::size_t count_ = 0;
  std::map<std::size_t, std::int64_t> stepped_ms_;  // of each node's date, by faults
};

}  // namespace troupe::sim
