#pragma once
// Some heights of consensus in memory under one seed: 4 to 7 validators with disks that keep what was saved, a network
// that loses, repeats, delays and parts, crashes at each step of a vote, and less than 1/3 of liars. What must always
// hold is checked after each event; the network then calms, and all have to decide two heights more.
#include <set>
#include <string>

#include "actors/chain/logic/consensus.hpp"

namespace troupe::chain_test {

using namespace chain;

/// One planted bug, and what rare things happened.
class PlantedBug : public base::Mutations {
 public:
  explicit PlantedBug(std::string bug = {}) : bug_(std::move(bug)) {}
  bool on(std::string_view bug) const override { return bug == bug_; }
  void sometimes(std::string_view what) const override { reached.emplace(what); }
  mutable std::set<std::string, std::less<>> reached;

 private:
  std::string bug_;
};

struct WorldOptions {
  std::uint64_t seed = 0;
  std::string bug{};    ///< none
  bool beyond = false;  ///< liars may have up to 2/3 of the power: agreement and progress are not promised then
  UnixMs faulty = std::chrono::seconds{12};
  UnixMs calm = std::chrono::minutes{3};  ///< at most; it ends when all have decided
};

struct WorldReport {
  std::string broken;  ///< empty if all held
  std::string state;   ///< a line for each validator, if not
  std::uint64_t events = 0, heights = 0, rounds_max = 0, crashes = 0, evidence = 0, syncs = 0;
  UnixMs calm_used{};
  std::set<std::string, std::less<>> reached;
};

WorldReport run_world(const WorldOptions& options);

}  // namespace troupe::chain_test
