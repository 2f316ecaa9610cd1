#pragma once
// The stores of one put: which object goes to which node next, and how many copies each object has.
//
// Rule    an object goes to the first `replicas` nodes in placement order (placement.hpp); a failed node is replaced by
//         the next. A copy counts once its node has confirmed the sync. Repeated objects are stored once.
// Late    a node that takes longer than usual keeps its stores in progress, and the next node is asked as well. The
//         late node gets no further stores until it responds. Its copy counts if it responds before the object is
//         settled; otherwise the object has one copy too many.
// Nodes   that do not respond, or refuse three objects in a row, are left out for the rest of the put.
// Limits  ReplicationLimits; the caller reads no further input while room() returns false.
// Owner   one put; not thread-safe. Reads no clock and sends nothing.
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/placement.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::files {

struct ReplicationLimits {
  std::uint32_t stores_in_flight_max = 8;    // our choice: keeps 8 MiB in progress for one put
  std::uint32_t stores_per_node_max = 2;     // one is written while the next is in flight
  std::uint64_t bytes_held_max = 16u << 20;  // our choice: memory of one put; one object always fits
  std::uint32_t refusals_max = 3;            // in a row, until a node is left out
  std::uint32_t late_nodes_max = 3;          // our choice: if more are late, this node's own connection is slow
};

struct Store {
  ContentKey key;
  base::NodeId node;
  friend bool operator==(const Store&, const Store&) = default;
};

enum class StoreFailure : std::uint8_t {
  refused,  ///< the node refuses: quota, no space, overloaded
  silent,   ///< no response in time, or the link is gone
};

/// An object whose bytes the caller may drop.
struct Settled {
  ContentKey key;
  std::vector<base::NodeId>
      holders;  ///< nodes that have synced it, in placement order; may be fewer than requested, or none
};

class Replication {
 public:
  /// `replicas` is 1 to kReplicasMax. At most kCandidatesMax candidates, including this node if it may store.
  Replication(std::vector<base::NodeId> candidates, std::uint32_t replicas, const ReplicationLimits& limits = {},
              const base::Mutations& mutations = base::kNoMutations);

  /// Returns whether `bytes` more fit. A put that holds nothing may always add an object.
  bool room(std::uint64_t bytes) const;

  /// Adds `key` for storing, once place() says where; its bytes are held until it is settled. Returns false if it was
  /// added before.
  bool hold(const ContentKey& key, std::uint64_t bytes);
  /// Sets the nodes `near` the position of a held object, in any order; if empty, candidates are used. An object that
  /// has its nodes keeps them. Nodes in `last` are asked after all others; copies are spread over `sites`.
  void place(const ContentKey& key, std::span<const base::NodeId> near, const std::set<base::NodeId>& last = {},
             const Sites& sites = {});

  /// Returns the stores to begin now; each counts as in flight until stored() or failed() is called for it. Mutant:
  /// `files.replica_counted_before_stored`.
  std::vector<Store> next();

  /// Records that the node has synced the object. Ignores a response to a store that is not in flight.
  void stored(const ContentKey& key, const base::NodeId& node);
  void failed(const ContentKey& key, const base::NodeId& node, StoreFailure why);
  /// Records that the store takes longer than usual. Returns false if that changes nothing, because too many nodes are
  /// late, or the store has ended.
  bool late(const ContentKey& key, const base::NodeId& node);

  /// Returns the objects settled since the last call: with all replicas, or without candidates left.
  std::vector<Settled> take_settled();

  bool idle() const { return items_.empty(); }
  /// Returns the fewest copies of any settled object, or 0 before the first.
  std::uint32_t reached() const { return reached_; }
  std::uint64_t bytes_held() const { return bytes_held_; }
  /// Returns the number of objects that are not settled.
  std::size_t open() const { return items_.size(); }
  /// Checks the invariants after the caller has sent the stores of next() and has taken settled objects.
  void check() const;

 private:
  enum class State : std::uint8_t { untried, in_flight, late, done, failed };
  struct Item {
    ContentKey key;
    std::uint64_t bytes = 0;
    bool placed = false;
    std::vector<base::NodeId> order;  // its placement order
    std::vector<State> states;        // for each node in `order`
  };
  struct Node {
    std::uint32_t in_flight = 0;
    std::uint32_t late = 0;  // of those in flight
    std::uint32_t refusals = 0;
    bool left_out = false;
  };

  void start_stores(Item& item, std::vector<Store>& out);
  bool finished(const Item& item) const;
  void settle();
  State* state_of(const ContentKey& key, const base::NodeId& node);
  State* end_flight(const ContentKey& key, const base::NodeId& node);
  bool left_out(const base::NodeId& node) const;

  const std::vector<base::NodeId> candidates_;
  const std::uint32_t replicas_;
  const ReplicationLimits limits_;
  const base::Mutations& mutations_;
  std::deque<Item> items_;
  std::set<ContentKey> seen_;  // at most kChunksMax and the manifest
  std::map<base::NodeId, Node> nodes_;
  std::set<std::pair<ContentKey, base::NodeId>> late_;  // also for settled objects
  std::vector<Settled> settled_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t reached_ = 0;
  bool any_settled_ = false;
  std::uint64_t bytes_held_ = 0;
};

}  // namespace troupe::files
