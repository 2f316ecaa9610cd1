#pragma once
// What a domain brings to its simulation: clients that perform operations, and invariants that must hold.
//
// README.md says how to add a domain's.
// Phases  1. operations and faults, for the time of the scenario; 2. all faults have ended, nodes are back: probe()
//         every kProbeEvery until waits() is empty, or the world is stuck; 3. close(), and again until waits() is
//         empty.
// Owner   one world, one thread. A Workload outlives every actor and callback of its world.
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
  bool node = false;  ///< says which node, 0 and on: one of the scenario's
};

/// Something that clients do.
struct OperationSpec {
  std::string_view name;  ///< "put"; scenarios say "files.put"
  std::string_view help;
  std::vector<NumberSpec> with{};
};

/// A setting that some worlds draw small, so that its limit is met.
struct Knob {
  std::string_view setting;
  std::vector<std::string_view> values;
  bool always = false;  ///< each world draws one of them: its networks are slower than those that the default is for
};

/// A name and one line about it: an invariant, a property, a planted bug.
struct Named {
  std::string_view name;
  std::string_view help;
  bool calm = false;  ///< of a property: worlds without faults reach it, too
};

/// The world as a domain sees it.
class Nodes {
 public:
  using Inside = runtime::ExternalActor::Inside;

  virtual ~Nodes() = default;
  virtual std::size_t size() const = 0;
  /// Since the beginning.
  virtual base::Duration time() const = 0;
  virtual bool serving(std::size_t node) const = 0;
  /// Nothing before its first start, or while it does not know.
  virtual std::optional<base::NodeId> id(std::size_t node) const = 0;
  /// Whether a node has, or ever had, that identity: an empty disk makes another one.
  virtual bool existed(const base::NodeId& id) const = 0;
  /// Which node has that identity now; nothing if none has, or not any more.
  virtual std::optional<std::size_t> find(const base::NodeId& id) const = 0;
  /// Whether a node has lost its disk and its identity with it: what others owe to it they owe for ever.
  virtual bool any_gone() const = 0;
  /// Whether a fault has destroyed, or may have destroyed, what this node acknowledged: its copies may be gone.
  virtual bool lost_data(std::size_t node) const = 0;
  /// Whether it has started on an older copy of its disk: it does not know what it has acknowledged since.
  virtual bool went_back(std::size_t node) const { return (void)node, false; }
  /// How many bytes of disks have changed so far.
  virtual std::size_t rots() const { return 0; }
  std::size_t lost_data_count() const {
    std::size_t out = 0;
    for (std::size_t node = 0; node < size(); ++node) out += lost_data(node) ? 1 : 0;
    return out;
  }
  /// Runs `what` in an actor of that node, which must serve; callbacks of its questions stop with the node.
  virtual void inside(std::size_t node, std::function<void(Inside&)> what) = 0;
  /// A stream of chance of that name.
  virtual base::Random& chance(std::string_view name) = 0;
  virtual const base::Mutations& mutations() const = 0;

  /// An operation of a client was acknowledged.
  virtual void acknowledged() = 0;
  /// An invariant of the spec does not hold: the world ends after this event. `why` in one sentence, with the names.
  virtual void violated(std::string_view invariant, std::string why) = 0;
  /// A line of the story that the report tells of the last moments.
  virtual void tell(std::string line) = 0;
};

/// What the clients of one domain do in one world, and what must hold there.
class Workload {
 public:
  virtual ~Workload() = default;

  /// Starts the operation; its node serves. Its numbers are within the spec.
  virtual void perform(const Operation& operation) = 0;
  /// That node has died: nothing that its clients asked will be answered.
  virtual void died(std::size_t node) { (void)node; }
  /// Whether that node may go back to an older copy of its disk now. No, if something that was acknowledged rests on
  /// what the copy may lack.
  virtual bool may_go_back(std::size_t node) const { return (void)node, true; }
  /// An actor of a node has handled a message, and its own check() holds. The place of invariants over many nodes.
  virtual void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
    (void)node, (void)path, (void)actor;
  }

  /// After the faults: looks again at what must come about.
  virtual void probe() = 0;
  /// What is not as it must be yet: which node waits for what. Empty: converged.
  virtual std::vector<std::string> waits() const = 0;
  /// Asks all that is still to be asked; waits() says when the answers are there. Beyond what protocols promise also of
  /// a world that is stuck: some nodes may not serve, and never will.
  virtual void close() {}
  /// Beyond what protocols promise: the share, 0 to 1, of those that worked against it, once that has broken what is
  /// promised below it. Nothing while all holds.
  virtual std::optional<double> broken_by() const { return std::nullopt; }
};

/// A file that a data directory has from the beginning.
struct GivenFile {
  std::string name;
  base::Bytes bytes;
};

/// How large a world is, for the draw of its operations.
struct Shape {
  std::uint16_t nodes = 0;
  base::Duration time{};
  /// Nodes that may lose what they acknowledged, by a fault: what is to survive has more copies than that.
  std::uint16_t lost_data_max = 0;
  /// 0 to 100: from a trickle of operations to as many as nodes can bear.
  unsigned load = 50;
};

/// What a domain brings to its simulation. Plain data, but for two functions.
struct WorkloadSpec {
  std::string_view name;  ///< of the domain
  std::vector<OperationSpec> operations{};
  std::vector<Knob> knobs{};
  std::vector<Named> invariants{};
  std::vector<Named> sometimes{};  ///< what a batch of worlds must reach: the names given to Mutations::sometimes()
  std::vector<Named> mutants{};    ///< the names asked of Mutations::on()

  /// The operations of one world, in any order.
  std::vector<Operation> (*draw)(base::Random& random, const Shape& shape) = nullptr;
  /// `nodes` and `scenario` outlive what it returns.
  std::unique_ptr<Workload> (*make)(Nodes& nodes, const Scenario& scenario) = nullptr;
  /// What nodes can start in worlds of this domain; null: nothing.
  const Programs& (*programs)() = nullptr;
  /// What a node of a world of that many has before its first start, and not again once its disk is lost; null:
  /// nothing.
  std::vector<GivenFile> (*files)(std::size_t node, std::size_t nodes) = nullptr;
  /// The directory of files that may rot in worlds of this domain, beside the payloads of the store: their loss is
  /// noticed, and others have what was in them. Empty: none.
  std::string_view rots{};
};

/// Of several domains; each outlives the list.
using WorkloadSpecs = std::span<const WorkloadSpec* const>;

/// That domain's; null if it is none of them.
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
