#pragma once
// The part of a domain in simulations: clients that perform operations, and invariants that must hold.
//
// README.md says how to add a domain's workload.
// Phases  1. operations and faults, for the time of the scenario; 2. with all faults ended and nodes back, probe()
//         every kProbeEvery until waits() is empty, or the run is stuck; 3. close(), then probe() again until waits()
//         is empty.
// Owner   one run, one thread. A Workload outlives every actor and callback of its run.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/actor/external_actor.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"
#include "runtime/sim/programs.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::sim {

inline constexpr std::chrono::seconds kProbeEvery{5};  // of virtual time; our choice

struct NumberSpec {
  std::string_view name;
  std::int64_t min = 0;
  std::int64_t max = 0;
  bool node = false;  ///< a node number of the scenario, from 0
};

/// An action of clients.
struct OperationSpec {
  std::string_view name;  ///< "put"; scenarios say "files.put"
  std::string_view help;
  std::vector<NumberSpec> with{};
};

/// A setting for which some runs draw a small value, so that its limit is reached.
struct Knob {
  std::string_view setting;
  std::vector<std::string_view> values;
  bool always = false;  ///< every run draws a value, because simulated networks are slower than the default assumes
};

/// A name and one line about it: an invariant, a property, a mutant.
struct Named {
  std::string_view name;
  std::string_view help;
  bool calm = false;  ///< for a property: runs without faults reach it too
};

/// The simulated cluster as a domain sees it.
class Nodes {
 public:
  using Inside = runtime::ExternalActor::Inside;

  virtual ~Nodes() = default;
  virtual std::size_t size() const = 0;
  /// Returns the time since the start of the run.
  virtual base::Duration time() const = 0;
  virtual bool serving(std::size_t node) const = 0;
  /// Returns the node's id; nullopt before its first start, or while the id is unknown.
  virtual std::optional<base::NodeId> id(std::size_t node) const = 0;
  /// Whether a node has, or ever had, that identity. An empty disk gives a node a new identity.
  virtual bool existed(const base::NodeId& id) const = 0;
  /// Returns the node that has that identity now, or nullopt.
  virtual std::optional<std::size_t> find(const base::NodeId& id) const = 0;
  /// Whether some node has lost its disk and with it its identity, so that other nodes' debts to it stay open forever.
  virtual bool any_gone() const = 0;
  /// Whether a fault has destroyed, or may have destroyed, data that this node acknowledged: its copies may be missing.
  virtual bool lost_data(std::size_t node) const = 0;
  /// Whether the node has started on an older copy of its disk, and does not know what it has acknowledged since.
  virtual bool went_back(std::size_t node) const { return (void)node, false; }
  /// Returns how many bytes on disks faults have changed so far.
  virtual std::size_t rots() const { return 0; }
  std::size_t lost_data_count() const {
    std::size_t out = 0;
    for (std::size_t node = 0; node < size(); ++node) out += lost_data(node) ? 1 : 0;
    return out;
  }
  /// Runs `what` in an actor of that node, which must serve; callbacks of the actor's requests stop with the node.
  virtual void inside(std::size_t node, std::function<void(Inside&)> what) = 0;
  /// Returns the stream of chance of that name.
  virtual base::Random& chance(std::string_view name) = 0;
  virtual const base::Mutations& mutations() const = 0;

  /// Reports that an operation of a client was acknowledged.
  virtual void acknowledged() = 0;
  /// Reports a broken invariant of the spec; the run ends after this event. `why` is one sentence with the names.
  virtual void violated(std::string_view invariant, std::string why) = 0;
  /// Adds a line about the last moments to the report.
  virtual void tell(std::string line) = 0;
};

/// The actions of one domain's clients in one run, and the domain's invariants.
class Workload {
 public:
  virtual ~Workload() = default;

  /// Starts the operation. Its node serves, and its numbers are within the spec.
  virtual void perform(const Operation& operation) = 0;
  /// Called when a node has died: requests of its clients get no response.
  virtual void died(std::size_t node) { (void)node; }
  /// Whether that node may return to an older copy of its disk now. False if acknowledged data depends on something
  /// that the copy may lack.
  virtual bool may_go_back(std::size_t node) const { return (void)node, true; }
  /// Called after an actor has handled a message and its own check() has passed. Check invariants over several nodes
  /// here.
  virtual void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
    (void)node, (void)path, (void)actor;
  }

  /// Called after the faults have ended: checks again what must happen eventually.
  virtual void probe() = 0;
  /// Returns what has not converged yet: which node waits for what. Empty if all has converged.
  virtual std::vector<std::string> waits() const = 0;
  /// Sends all final requests; waits() shows which responses are missing. With --beyond also called in a stuck run, in
  /// which some nodes may never serve again.
  virtual void close() {}
  /// With --beyond: once malicious members have broken a promise, returns their share, 0 to 1. Returns nullopt while
  /// all promises hold.
  virtual std::optional<double> broken_by() const { return std::nullopt; }
};

/// A file that a node's data directory has from the beginning.
struct GivenFile {
  std::string name;
  base::Bytes bytes;
};

/// The size of a run, for the draw of its operations.
struct Shape {
  std::uint16_t nodes = 0;
  base::Duration time{};
  /// How many nodes may lose acknowledged data by faults; data that must survive needs more copies than that.
  std::uint16_t lost_data_max = 0;
  /// 0 to 100: from very few operations to as many as nodes can bear.
  unsigned load = 50;
};

/// The simulation of a domain: plain data and some functions.
struct WorkloadSpec {
  std::string_view name;  ///< of the domain
  std::vector<OperationSpec> operations{};
  std::vector<Knob> knobs{};
  std::vector<Named> invariants{};
  std::vector<Named> sometimes{};  ///< paths that a batch of runs must reach: names for Mutations::sometimes()
  std::vector<Named> mutants{};    ///< the names passed to Mutations::on()

  /// Draws the operations of one run, in any order.
  std::vector<Operation> (*draw)(base::Random& random, const Shape& shape) = nullptr;
  /// `nodes` and `scenario` outlive the result.
  std::unique_ptr<Workload> (*make)(Nodes& nodes, const Scenario& scenario) = nullptr;
  /// The programs that nodes can start in runs of this domain; null: none.
  const Programs& (*programs)() = nullptr;
  /// Returns the files of a node before its first start, in a run of `nodes` nodes. They are not restored when its disk
  /// is lost. Null: none.
  std::vector<GivenFile> (*files)(std::size_t node, std::size_t nodes) = nullptr;
  /// A directory whose files may rot in runs of this domain, in addition to the payloads of the store, because their
  /// loss is detected and other nodes have copies. Empty: none.
  std::string_view rots{};
};

/// The specs of several domains; each spec outlives the list.
using WorkloadSpecs = std::span<const WorkloadSpec* const>;

/// Returns that domain's spec; null if it is not in the list.
inline const WorkloadSpec* find(WorkloadSpecs all, std::string_view domain) {
  const auto found = std::ranges::find(all, domain, &WorkloadSpec::name);
  return found == all.end() ? nullptr : *found;
}

/// For WorkloadSpec::make.
template <class Its>
std::unique_ptr<Workload> make_workload(Nodes& nodes, const Scenario& scenario) {
  return std::make_unique<Its>(nodes, scenario);
}

}  // namespace troupe::sim
