#pragma once
// Runs one scenario from its beginning to a verdict: the world, its keeper, its faults, and the domains on trial.
//
// Phases  faults and operations for the scenario's time; then all faults end, and the world must converge within the
//         time `converge`; then the domains make their final requests and checks. The first invariant that does not
//         hold ends the trial.
// Beyond  with faults beyond the promises of protocols, a world need not converge: a node may refuse to continue, for
//         good. The reports of other nodes must still be right, so the domains ask in any case.
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/sim/faults.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps {

inline constexpr std::size_t kStoryLinesMax = 40;            // our choice: as many as fit on a screen
inline constexpr std::chrono::milliseconds kStartEvery{20};  // our choice: between the first starts of two nodes
inline constexpr std::chrono::minutes kCloseMax{30};         // our choice: for the final requests to a healed world

/// A mutant of the simulator itself, which --twice must detect: nodes start in an order that depends on addresses.
inline constexpr std::string_view kPointerOrder = "sim.pointer_order";

class Trial final : private sim::Nodes, private Observer {
 public:
  /// The scenario and the specs outlive the trial. A missing domain is a broken invariant.
  explicit Trial(const sim::Scenario& scenario, sim::WorkloadSpecs workloads = all_workloads());
  ~Trial() override;

  World& world() { return *world_; }
  /// Returns the latest events, in order.
  const std::deque<std::string>& story() const { return story_; }

  /// Runs the trial, once. Ends early, without a verdict, when the stage is stopped. Throws InvariantBroken if the
  /// simulator itself is wrong: its worlds then say nothing about the product.
  Outcome run();

 private:
  /// Enabled mutants, and rare properties that occurred.
  class Reached final : public base::Mutations {
   public:
    explicit Reached(const std::vector<std::string>& on) : on_(on.begin(), on.end()) {}
    bool on(std::string_view name) const override { return !on_.empty() && on_.contains(name); }
    void sometimes(std::string_view name) const override { ++times_[name]; }
    const std::map<std::string_view, std::uint64_t>& times() const { return times_; }

   private:
    std::set<std::string, std::less<>> on_;
    mutable std::map<std::string_view, std::uint64_t> times_;
  };

  // sim::Nodes
  std::size_t size() const override { return scenario_.nodes; }
  base::Duration time() const override;
  bool serving(std::size_t node) const override { return world_->serving(node); }
  std::optional<base::NodeId> id(std::size_t node) const override { return world_->id(node); }
  bool existed(const base::NodeId& id) const override { return world_->existed(id); }
  std::optional<std::size_t> find(const base::NodeId& id) const override { return world_->find(id); }
  bool any_gone() const override { return world_->any_gone(); }
  bool lost_data(std::size_t node) const override { return faults_->lost_data(node); }
  bool went_back(std::size_t node) const override { return faults_->went_back(node); }
  std::size_t rots() const override { return faults_->fired(sim::FaultKind::disk_rot); }
  void inside(std::size_t node, std::function<void(Inside&)> what) override;
  base::Random& chance(std::string_view name) override;
  const base::Mutations& mutations() const override { return reached_; }
  void acknowledged() override;
  void violated(std::string_view invariant, std::string why) override;
  void tell(std::string line) override;

  // Observer
  void broke(const Break& what) override;
  void gave_up(std::size_t node, const std::string& why) override;
  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override;

  void begin();
  void under_faults();
  void heal();
  /// Lets time pass.
  void pass(base::Duration span);
  bool converge(base::Duration bound);
  std::vector<std::string> waits() const;
  void died(std::size_t node);
  std::string here(const std::string& line) const;

  const sim::Scenario& scenario_;
  Reached reached_;
  std::unique_ptr<World> world_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Faults> faults_;
  struct Part {
    std::string prefix;  // "files."
    std::unique_ptr<sim::Workload> workload;
  };
  std::vector<Part> parts_;
  std::deque<std::string> story_;
  std::uint64_t acknowledged_ = 0;
  std::string invariant_;
  std::string why_;
  std::uint64_t event_ = 0;
  bool between_events_ = false;
  base::Duration at_{};
  bool passing_ = false;
  std::set<std::size_t> broken_by_fault_;  // nodes in which a fault broke an actor
};

}  // namespace troupe::apps
