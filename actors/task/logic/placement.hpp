#pragma once
// Which node a task goes to: those that fit, best first, and why the others do not.
//
// Filter  alive, what the order needs and its limits, price, reputation, whether it is verified, and what the order
//         keeps apart: replicas go to different nodes, owners and address groups.
// Score   five terms of at most 1,000, each weighted: a short queue, a low price, a good reputation, inputs that are
//         there, few of this submitter's tasks. A hash of task and node orders equal nodes, so that tasks spread.
// Asked   nodes that did not take the task come last, and so do their sites.
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

/// A node that may work.
struct Candidate {
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  registry::Capabilities capabilities;
  std::optional<std::uint64_t> price;  ///< for a core and an hour
  registry::Status status = registry::Status::offline;
  std::uint32_t load = 0;     ///< runnable threads a core, thousandths
  int reputation = 0;         ///< points, as the submitter thinks
  std::uint32_t running = 0;  ///< tasks of this submitter
  bool has_inputs = false;
  bool verified = false;  ///< as the submitter knows; it is itself
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
  verified,  ///< from here on nothing else is lacking: it passes
  health,
};
inline constexpr std::size_t kLacks = 15;
/// Of a node with a price: the book by which it is paid.
inline constexpr std::string_view kBookCapability = "book";
/// Of a node that takes tasks: whose (Provider::told).
inline constexpr std::string_view kTasksCapability = "tasks";
/// "lack memory", "are too dear": behind a number of nodes.
std::string_view text(Lack lack);

struct Policy {
  int reputation_min = 0;
  bool require_verified = false;
  std::string book;       ///< as kBookCapability names it; empty: none is known, and nothing can be paid
  std::string submitter;  ///< its node id in hexadecimal digits; a node that lists others does not take its tasks
};

/// What the choice keeps away from.
struct Apart {
  std::set<base::NodeId> tried;  ///< failed with this task, or runs it
  std::set<registry::Owner> owners;
  std::set<base::AddressGroup> groups;
};

/// Those that did not take a task. They are asked again, once their turn comes: those of the site that was asked
/// longest ago, and of them who was. Ids of one site thus hold a task no longer than one does, and a small cluster
/// in which each node is busy gets it all the same.
class Declined {
 public:
  static constexpr std::size_t kMax = 256;  // our choice: of a task; then all are forgotten

  void add(const base::NodeId& node, const base::AddressGroup& site);
  /// Less is better: its site's turn, and its own; of those that were not asked, 0.
  std::pair<std::uint64_t, std::uint64_t> turn(const Candidate& node) const;

 private:
  std::uint64_t count_ = 0;
  std::map<base::NodeId, std::uint64_t> nodes_;  // the count at which it declined last
  std::map<base::AddressGroup, std::uint64_t> sites_;
};

/// What is not there for `order`; nothing if it fits.
std::optional<Lack> lack_of(const Candidate& node, const Order& order, const registry::Need& need, const Policy& policy,
                            const Apart& apart);
/// What keeps it from every order now; nothing: it depends on the order.
std::optional<Lack> lack_of_all(const Candidate& node, const Policy& policy);
/// 0 to 5,000; more is better. Of a candidate that fits.
std::uint32_t score(const Candidate& node, const Order& order);
/// What a program of another node has at least, in thousandths of a core: it gets and pays that much.
inline constexpr std::uint32_t kThousandthsOfOthersMin = 100;  // our choice, see AttemptActor::limits_of()
/// What a task costs at most at a price for a core and an hour: price · cores · time, rounded up; nothing without one.
std::optional<std::uint64_t> cost(std::optional<std::uint64_t> price, const Order& order);
inline std::optional<std::uint64_t> cost(const Candidate& node, const Order& order) { return cost(node.price, order); }

/// How many nodes lack what.
using Lacks = std::array<std::uint32_t, kLacks>;

/// Nodes that may get a task now. Valid as long as the candidates are.
struct Free {
  std::vector<Candidate*> nodes;
  Lacks left_out{};  ///< those that no order can be given, by the first thing that they lack

  void add(Candidate& node, const Policy& policy);
  bool empty() const { return nodes.empty() && left_out == Lacks{}; }
};

struct Choice {
  std::vector<const Candidate*> best;  ///< at most as many as were wanted
  Lacks lacks{};
  std::uint32_t fit = 0;
  std::uint32_t lacking(Lack lack) const { return lacks[static_cast<std::size_t>(lack)]; }
  /// Whether a node fits, or would once it is verified and healthy.
  bool possible() const { return fit + lacking(Lack::verified) + lacking(Lack::health) > 0; }

  /// "3 lack memory, 2 are too dear"; empty if no node was looked at.
  std::string why() const;
};
/// Up to `wanted` different nodes, of different owners and groups, best first.
Choice choose(std::span<const Candidate> nodes, const Order& order, const TaskId& id, const Policy& policy,
              const Apart& apart, std::size_t wanted, const Declined& declined = {});
/// The same of those that are free. Those that were left out are counted, by what they lack for all orders.
Choice choose(const Free& free, const Order& order, const TaskId& id, const Policy& policy, const Apart& apart,
              std::size_t wanted, const Declined& declined = {});

}  // namespace troupe::task
