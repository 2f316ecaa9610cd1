#pragma once
// The stores of one put: which content goes to which node next, and how many copies each content has.
//
// Rule    a content goes to the first `replicas` nodes in the order of its places (placement.hpp); one that fails is
//         replaced by the next. A copy counts once its node has said that it is synced. Repeated contents are stored
//         once.
// Late    a node that takes longer than it usually does keeps what it has under way, and the next one is asked as well.
//         It gets nothing more until it answers. If it does in time, its copy counts; else the content has one too
//         many.
// Nodes   that do not answer, or refuse three contents in a row, are left out for the rest of the put.
// Limits  ReplicationLimits; the caller reads no further input while room() says no.
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
  std::uint32_t stores_in_flight_max = 8;    // our choice: keeps 8 MiB under way on one put
  std::uint32_t stores_per_node_max = 2;     // one is written while the next travels
  std::uint64_t bytes_held_max = 16u << 20;  // our choice: memory of one put; one content always fits
  std::uint32_t refusals_max = 3;            // in a row, until a node is left out
  std::uint32_t late_nodes_max = 3;          // our choice: if more are late, this node's own line is slow
};

struct Store {
  ContentKey key;
  base::NodeId node;
  friend bool operator==(const Store&, const Store&) = default;
};

enum class StoreFailure : std::uint8_t {
  refused,  ///< the node answered that it will not: quota, no space, overloaded
  silent,   ///< no answer in time, or the link is gone
};

/// A content whose bytes the caller may let go.
struct Settled {
  ContentKey key;
  std::vector<base::NodeId>
      holders;  ///< that have synced it, in the order of its places; may be fewer than asked, or none
};

class Replication {
 public:
  /// `replicas` is 1 to kReplicasMax. At most kCandidatesMax candidates, the node itself among them if it may hold.
  Replication(std::vector<base::NodeId> candidates, std::uint32_t replicas, const ReplicationLimits& limits = {},
              const base::Mutations& mutations = base::kNoMutations);

  /// Whether `bytes` more may be held. A put that holds nothing always has room.
  bool room(std::uint64_t bytes) const;

  /// Wants `key` stored, once place() says where; its bytes are held until it is settled. False if it was wanted
  /// before: nothing to do.
  bool hold(const ContentKey& key, std::uint64_t bytes);
  /// The nodes `near` the position of a content that is held, in any order; none: the candidates alone. A content that
  /// has its places keeps them.
  /// Those of `last` are asked after all others; copies are spread over `sites`.
  void place(const ContentKey& key, std::span<const base::NodeId> near, const std::set<base::NodeId>& last = {},
             const Sites& sites = {});

  /// The stores to begin now; each counts as in flight until stored() or failed() is called for it.
  /// Planted bug: `files.replica_counted_before_stored`.
  std::vector<Store> next();

  /// The node has synced the content. An answer for a store that is not in flight is ignored.
  void stored(const ContentKey& key, const base::NodeId& node);
  void failed(const ContentKey& key, const base::NodeId& node, StoreFailure why);
  /// The store is under way for longer than usual. False if that changes nothing: too many are late, or it has ended.
  bool late(const ContentKey& key, const base::NodeId& node);

  /// The contents settled since the last call: with all replicas, or with no candidate left.
  std::vector<Settled> take_settled();

  bool idle() const { return items_.empty(); }
  /// The fewest copies that any settled content has; zero before the first.
  std::uint32_t reached() const { return reached_; }
  std::uint64_t bytes_held() const { return bytes_held_; }
  /// Contents that are not settled.
  std::size_t open() const { return items_.size(); }
  /// Ensures what must hold once the caller has sent what next() gave and has taken what is settled.
  void check() const;

 private:
  enum class State : std::uint8_t { untried, in_flight, late, done, failed };
  struct Item {
    ContentKey key;
    std::uint64_t bytes = 0;
    bool placed = false;
    std::vector<base::NodeId> order;  // of its places
    std::vector<State> states;        // of each in `order`
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
  std::set<std::pair<ContentKey, base::NodeId>> late_;  // also of contents that are settled
  std::vector<Settled> settled_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t reached_ = 0;
  bool any_settled_ = false;
  std::uint64_t bytes_held_ = 0;
};

}  // namespace troupe::files
