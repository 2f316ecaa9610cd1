#pragma once
// Applies the faults of a scenario to its world, and undoes all of them when the time with faults ends.
//
// Chance  only a stream for choices that a fault leaves open; the scenario defines all else.
// Fired   means that a fault had an effect: a lasting fault fires when it begins; a planned fault (a read that will
//         fail, a bit that will be wrong) when it hits its device, piece or actor. A plan that is replaced, or still
//         pending at the end, does not fire; nor does an impossible fault (the node is down, there are no streams).
#include <array>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "apps/sim/keeper.hpp"
#include "apps/sim/outcome.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

class Faults {
 public:
  /// `rots`: the directories in which files may rot. `may_go_back`: whether a node may start on an older copy of its
  /// disk.
  Faults(World& world, Keeper& keeper, const sim::Scenario& scenario, std::vector<std::string_view> rots,
         std::function<void(std::string)> tell, std::function<bool(std::size_t node)> may_go_back = {})
      : world_(world),
        keeper_(keeper),
        scenario_(scenario),
        rots_(std::move(rots)),
        tell_(std::move(tell)),
        may_go_back_(std::move(may_go_back)),
        power_failures_(world.size(), 0),
        lost_data_(world.size(), false),
        went_back_(world.size(), false),
        device_failed_(world.size(), false) {}

  /// Puts all faults of the scenario on the timeline.
  void schedule();
  /// Ends all lasting faults; no fault fires from now on.
  void end();

  /// Counts an operation of a client that was acknowledged.
  void acknowledged();
  const FaultCounts& counts() const { return counts_; }
  /// Whether data that the node has acknowledged may be lost.
  bool lost_data(std::size_t node) const { return lost_data_[node]; }
  /// Whether the node has started on an older copy of its disk.
  bool went_back(std::size_t node) const { return went_back_[node]; }
  std::size_t fired(sim::FaultKind what) const { return counts_[static_cast<std::size_t>(what)].fired; }
  /// Whether the node's device has refused an operation, so that the node may give up.
  bool device_failed(std::size_t node) const { return device_failed_[node]; }

 private:
  struct Lasting {
    std::function<void()> undo;
  };
  void fire(const sim::Fault& fault);
  /// Counts that the fault had an effect.
  void hit(const sim::Fault& fault);
  // Applies a fault, and returns whether it has an effect at once. A planned fault calls hit() later.
  bool strike(const sim::Fault& fault);
  bool strike_network(const sim::Fault& fault);
  bool strike_process(const sim::Fault& fault);
  bool strike_disk(const sim::Fault& fault);
  bool strike_swizzle(const sim::Fault& fault);
  bool strike_datagrams(const sim::Fault& fault);
  void plan_disk(const sim::Fault& fault, sim::DiskOperation what);
  /// Runs `undo` after `span`, or when all faults end.
  void lasts(base::Duration span, std::function<void()> undo);
  /// Calls `action` for each pair (from, to) with `from` in the set and `to` not.
  void across(std::int64_t set, const std::function<void(const sim::Address&, const sim::Address&)>& action);
  void replace_disk(std::size_t node, base::Duration after);
  bool cut_log(std::size_t node, const sim::Fault& fault);
  void plan_older(const sim::Fault& fault);
  void fail_power(std::size_t node, const sim::Fault& fault);
  void cut_power(std::size_t node);
  void cut_power_in(base::Duration delay, std::size_t node, const sim::Fault& fault);
  sim::Address address(std::size_t node) const { return world_.machine(node).address(); }

  World& world_;
  Keeper& keeper_;
  const sim::Scenario& scenario_;
  const std::vector<std::string_view> rots_;
  std::function<void(std::string)> tell_;
  std::function<bool(std::size_t)> may_go_back_;
  std::list<Lasting> lasting_;
  bool ended_ = false;
  FaultCounts counts_{};
  std::array<std::uint64_t, 3> datagrams_{};   // in millionths: overlapping faults add up
  std::vector<std::uint64_t> power_failures_;  // number of power failures of each node so far
  std::vector<bool> lost_data_;
  std::vector<bool> went_back_;
  std::vector<bool> device_failed_;
};

/// Returns the text of a fault for reports: "partition n1 n4 for 8s".
std::string text(const sim::Fault& fault);

}  // namespace troupe::apps
