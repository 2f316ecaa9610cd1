#pragma once
// Chooses the nodes for a task: the fitting nodes, best first, and why the other nodes do not fit.
//
// Filter  a node is alive, meets the order's needs, limits and price, has the reputation, is verified if required, and
//         is apart from other replicas: different nodes, owners and address groups.
// Score   five terms of at most 1,000, each weighted: a short queue, a low price, a good reputation, inputs already
//         present, few tasks of this submitter. A hash of task and node orders equal nodes, so tasks spread.
// Asked   nodes that did not take the task come last, and so do their address groups.
// Speed   a choice among 1,000 nodes checks each node once and allocates only its result. Nodes that cannot run any
//         order now are left out beforehand.
#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "actors/registry/api.hpp"
#include "actors/task/logic/order.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::task {

/// A node that may get a task.
struct Candidate {
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  registry::Capabilities capabilities;
  std::optional<std::uint64_t> price;  ///< per core and hour
  registry::Status status = registry::Status::offline;
  std::uint32_t load = 0;     ///< runnable threads per core, in thousandths
  int reputation = 0;         ///< points, in the submitter's view
  std::uint32_t running = 0;  ///< tasks of this submitter
  bool has_inputs = false;
  bool verified = false;  ///< in the submitter's view; the submitter itself always is
};

enum class Lack : std::uint8_t {
  online,
  memory,
  cpu,
  disk,
  need,
  price,
  reputation,
  apart,
  tried,
  tasks,
  accept,
  book,
  network,
  verified,  ///< a node with this or a later lack lacks nothing else
  health,
};
inline constexpr std::size_t kLacks = 15;
/// Capability of a node with a price: the account ledger that pays it.
inline constexpr std::string_view kBookCapability = "book";
/// Capability of a node that takes tasks: whose tasks (Provider::told).
inline constexpr std::string_view kTasksCapability = "tasks";
/// Returns a text such as "lack memory" or "are too expensive", to follow a number of nodes.
std::string_view text(Lack lack);

struct Policy {
  int reputation_min = 0;
  bool require_verified = false;
  std::string book;       ///< value of kBookCapability; empty: unknown, and nothing can be paid
  std::string submitter;  ///< its node id in hexadecimal; a node with a list of submitters must list it
};

/// The nodes, owners and address groups that a choice avoids.
struct Apart {
  std::set<base::NodeId> tried;  ///< nodes that failed with this task, or run it
  std::set<registry::Owner> owners;
  std::set<base::AddressGroup> groups;
};

/// The nodes that did not take a task. They are asked again in turn: first the address group that was asked longest
/// ago, and in it the node that was asked longest ago. So many ids of one group delay a task no longer than one id
/// does, and a small cluster of busy nodes still gets the task.
class Declined {
 public:
  static constexpr std::size_t kMax = 256;  // our choice: nodes per task; when full, all are forgotten

  void add(const base::NodeId& node, const base::AddressGroup& site);
  /// Returns the turns of the node's address group and of the node; less is better, 0 if it was not asked.
  std::pair<std::uint64_t, std::uint64_t> turn(const Candidate& node) const;

 private:
  std::uint64_t count_ = 0;
  std::map<base::NodeId, std::uint64_t> nodes_;  // `count_` when the node last declined
  std::map<base::AddressGroup, std::uint64_t> sites_;
};

/// Returns what `node` lacks for `order`, or nullopt if it fits.
std::optional<Lack> lack_of(const Candidate& node, const Order& order, const registry::Need& need, const Policy& policy,
                            const Apart& apart);
/// Returns what makes `node` unfit for every order now, or nullopt if that depends on the order.
std::optional<Lack> lack_of_all(const Candidate& node, const Policy& policy);
/// Returns 0 to 5,000, more is better. The candidate has to fit.
std::uint32_t score(const Candidate& node, const Order& order);
/// The least that another node's program gets and pays, in thousandths of a core.
inline constexpr std::uint32_t kThousandthsOfOthersMin = 100;  // our choice, see AttemptActor::limits_of()
/// Returns the most that a task costs at a price per core and hour: price · cores · time, rounded up. Returns nullopt
/// without a price.
std::optional<std::uint64_t> cost(std::optional<std::uint64_t> price, const Order& order);
inline std::optional<std::uint64_t> cost(const Candidate& node, const Order& order) { return cost(node.price, order); }

/// How many nodes lack what, by Lack.
using Lacks = std::array<std::uint32_t, kLacks>;

/// The nodes that may get a task now. Valid as long as the candidates are.
struct Free {
  std::vector<Candidate*> nodes;
  Lacks left_out{};  ///< nodes that cannot get any order, by their first lack

  void add(Candidate& node, const Policy& policy);
  bool empty() const { return nodes.empty() && left_out == Lacks{}; }
};

struct Choice {
  std::vector<const Candidate*> best;  ///< at most the wanted number
  Lacks lacks{};
  std::uint32_t fit = 0;
  std::uint32_t lacking(Lack lack) const { return lacks[static_cast<std::size_t>(lack)]; }
  /// Returns whether a node fits, or would fit if it were verified and healthy.
  bool possible() const { return fit + lacking(Lack::verified) + lacking(Lack::health) > 0; }

  /// Returns a text such as "3 lack memory, 2 are too expensive"; empty if no node was checked.
  std::string why() const;
};
/// Chooses up to `wanted` nodes with different owners and groups, best first.
Choice choose(std::span<const Candidate> nodes, const Order& order, const TaskId& id, const Policy& policy,
              const Apart& apart, std::size_t wanted, const Declined& declined = {});
/// Chooses among the free nodes. Nodes that were left out are counted by what they lack for all orders.
Choice choose(const Free& free, const Order& order, const TaskId& id, const Policy& policy, const Apart& apart,
              std::size_t wanted, const Declined& declined = {});

}  // namespace troupe::task
