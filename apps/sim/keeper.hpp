#pragma once
// Keeps the nodes of a world running, like a service manager: starts them, and restarts them after they have died.
//
// States  each node is up, down until a time, or down until further notice. A failed start is repeated after
//         kStartAgain.
// Owner   one trial; scheduled events that fire after its world has ended do nothing.
#include <functional>
#include <string>
#include <vector>

#include "apps/sim/world.hpp"

namespace troupe::apps {

inline constexpr std::chrono::seconds kStartAgain{5};  // our choice: RestartSec of a usual service

class Keeper {
 public:
  struct Told {
    std::function<void(std::size_t node)> died;
    std::function<void(std::size_t node, std::string line)> tell;
  };
  Keeper(World& world, Told told) : world_(world), told_(std::move(told)), homes_(world.size()) {}

  /// Starts a node after that time, unless there is a newer decision about it.
  void start_in(std::size_t node, base::Duration after);
  /// What ends: only the process, or the machine.
  enum class End : std::uint8_t { process, power };
  void end(std::size_t node, End how);
  /// Call after a machine has died by itself.
  void ended(std::size_t node);
  bool up(std::size_t node) const { return world_.machine(node).up(); }

 private:
  struct Home {
    std::uint64_t decision = 0;  // the latest decision about its start
  };
  void start(std::size_t node);

  World& world_;
  Told told_;
  std::vector<Home> homes_;
};

}  // namespace troupe::apps
