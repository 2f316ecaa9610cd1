#pragma once
// The nodes of a world as a workload sees them, for tests of what a workload is made of: machines whose actors a test
// writes, and a record of what the workload said.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/sim/machine.hpp"
#include "runtime/sim/workload.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::test {

class NodesFixture final : public sim::Nodes {
 public:
  explicit NodesFixture(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      base::NodeId id;
      id.bytes[0] = static_cast<std::uint8_t>(i + 1);
      ids.push_back(id);
      machines_.push_back(std::make_unique<sim::Machine>(stage, fabric_, static_cast<std::uint16_t>(i + 1)));
      outsides_.emplace_back();
      boot(i);
    }
  }
  ~NodesFixture() override { close(); }

  /// Ends all nodes. A test calls it before what the callbacks of its questions refer to is gone.
  void close() {
    for (std::size_t i = 0; i < machines_.size(); ++i) kill(i);
    stage.settle();
  }
  void boot(std::size_t node) {
    // Without a network a deadline is read by the other node's clock, which is an hour on for each node: only questions
    // to nodes before the asking one are answered in time.
    machines_[node]->boot().remotes = [this](const base::NodeId& id, const std::string& path) {
      const auto there = find(id);
      return there && serving(*there) ? machines_[*there]->node().find(path) : runtime::Handle();
    };
    outsides_[node] = std::make_unique<runtime::ExternalActor>(machines_[node]->node(), "outside");
  }
  void kill(std::size_t node) {
    outsides_[node].reset();
    machines_[node]->kill();
  }
  /// Starts an actor at "/" and `name`, on each node that is up.
  void start(const std::string& name, const Scripted::Receive& receive) { start_actor(name, script(receive)); }
  void start_actor(const std::string& name, const runtime::Factory& make) {
    for (const auto& machine : machines_)
      if (machine->up()) machine->node().start(name, make);
  }
  void start_at(const std::string& path, const Scripted::Receive& receive) {
    for (const auto& machine : machines_)
      if (machine->up()) machine->node().start_at(path, script(receive));
  }

  std::size_t size() const override { return machines_.size(); }
  base::Duration time() const override { return stage.now().since_origin(); }
  bool serving(std::size_t node) const override { return machines_[node]->up(); }
  std::optional<base::NodeId> id(std::size_t node) const override { return ids[node]; }
  bool existed(const base::NodeId& id) const override { return find(id).has_value(); }
  std::optional<std::size_t> find(const base::NodeId& id) const override {
    const auto found = std::find(ids.begin(), ids.end(), id);
    return found == ids.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - ids.begin()));
  }
  bool any_gone() const override { return false; }
  bool lost_data(std::size_t node) const override { return losers.contains(node); }
  void inside(std::size_t node, std::function<void(Inside&)> what) override { outsides_[node]->run(std::move(what)); }
  base::Random& chance(std::string_view) override { return chance_; }
  const base::Mutations& mutations() const override { return base::kNoMutations; }
  void acknowledged() override { ++acknowledged_count; }
  void violated(std::string_view invariant, std::string why) override {
    violations.push_back(std::string(invariant) + ": " + why);
  }
  void tell(std::string line) override { told.push_back(std::move(line)); }

  sim::Stage stage{7};
  std::vector<base::NodeId> ids;
  std::set<std::size_t> losers;  // nodes that have lost data
  std::size_t acknowledged_count = 0;
  std::vector<std::string> violations, told;

 private:
  std::shared_ptr<sim::Fabric> fabric_ = sim::Fabric::make(stage);
  base::Random chance_{7};
  std::vector<std::unique_ptr<sim::Machine>> machines_;
  std::vector<std::unique_ptr<runtime::ExternalActor>> outsides_;
};

}  // namespace troupe::test
