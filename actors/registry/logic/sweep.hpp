#pragma once
// Makes the list of all nodes, region by region of the key space, from the reports of watchers.
//
// Region  the DHT names the nodes nearest to a point. They include all nodes in the largest region around the point
//         that does not contain the farthest of them, or in the whole key space if the DHT named fewer than requested.
// Votes   most of a node's watchers decide its status: the kWatchers asked nodes nearest to it. On equal votes the
//         better status wins, because the last node to receive a heartbeat knows best.
// Lives   a recent signed heartbeat proves that a node is not offline, even against most watchers, if a watcher
//         received it recently. Otherwise the node's clock may be ahead.
// Unheard the report of a watcher that has received no heartbeat since its restart counts only if no other exists.
// Site    a node's address group, on which the groups of its nearest watchers agree (heard_from()).
// Asked   the nodes that the DHT names, and nodes that these name (unasked()).
// Trust   parts of a response that their node did not sign are left out; the rest counts.
#include <map>
#include <set>
#include <span>

#include "actors/registry/logic/vouch.hpp"
#include "actors/registry/logic/watch.hpp"

namespace troupe::registry {

inline constexpr std::size_t kRegionRowsMax = 20'000;  // as many as a node watches

/// The ids that begin with the first `bits` of `prefix`, whose other bits are 0.
struct Region {
  base::NodeId prefix;
  unsigned bits = 0;

  bool contains(const base::NodeId& id) const { return shared_bits(prefix, id) >= bits; }
  /// Returns where the next region begins, or nullopt after the last region.
  std::optional<base::NodeId> behind() const;
};

/// Returns the region around `at`. `nearest`: the nodes nearest to it, in any order, at most `most` of them.
Region region_of(const base::NodeId& at, std::span<const base::NodeId> nearest, std::size_t most);

/// A node as its watchers see it.
struct Found {
  std::optional<Registration> registration;
  base::Bytes registration_bytes;
  std::optional<Heartbeat> beat;
  base::Bytes beat_bytes;
  Status status = Status::offline;
  std::uint64_t heard_ms = 0;
  std::size_t votes = 0;
  std::size_t sites = 0;                     ///< groups of the nearest watchers that name it
  std::optional<base::AddressGroup> site{};  ///< nullopt: only the node names itself
  bool here = false;                         ///< this node is one of its watchers
  bool unheard = false;                      ///< no watcher has received a heartbeat since its start
  std::vector<Vouch> vouches{};              ///< by different judges, with right signatures
};

/// Whether a heartbeat proves that its node is alive, and the thresholds for its status then.
struct Fresh {
  std::uint64_t unix_ms = 0, within_ms = 0;
  Thresholds thresholds{};
  bool has(const Heartbeat& beat) const { return unix_ms < beat.unix_ms + within_ms; }
};

/// Gathers the reports about the nodes of one region.
class Gathered {
 public:
  using Sites = std::map<base::NodeId, base::AddressGroup>;
  /// `asked`: the nodes to ask, including this node. `sites`: their groups, if shared.
  Gathered(Region region, std::vector<base::NodeId> asked, unsigned work_bits, Sites sites = {})
      : region_(region), asked_(std::move(asked)), sites_(std::move(sites)), work_bits_(work_bits) {}

  struct Said {
    base::ByteView registration, beat;
    Status status = Status::offline;
    std::uint64_t heard_ms = 0;
    bool unheard = false;
    std::span<const base::ByteView> vouches{};
    std::optional<base::AddressGroup> site{};
  };
  /// Takes a report of `by`; returns false if it is invalid. `trusted`: from this node, which has verified it before.
  bool take(const base::NodeId& by, const Said& said, bool trusted);

  /// Returns at most `most` nodes that were named but not asked: first the nodes that the most groups name. Of the
  /// nodes that only one group names, each group adds at most `each_site` in total. All count as asked from now on.
  std::vector<std::pair<base::NodeId, base::Contact>> unasked(std::size_t most, std::size_t each_site);

  /// Returns the nodes by rising id, with their status, except for nodes that have left the list.
  std::map<base::NodeId, Found> end(const Fresh& fresh = {});

 private:
  struct Vote {
    Status status;
    std::uint64_t heard_ms;
    bool unheard;
    std::optional<base::AddressGroup> site;
  };
  struct One {
    Found found;
    std::map<base::NodeId, Vote> votes;
  };
  bool take_registration(One& one, const base::NodeId& id, base::ByteView bytes, bool trusted) const;
  bool take_beat(One& one, base::ByteView bytes, bool trusted) const;
  /// The groups of the watchers that hear a node, and the node's own group.
  struct Heard {
    std::size_t sites = 0;
    std::optional<base::AddressGroup> site{};
    std::optional<base::AddressGroup> named_from{};  ///< the group of the nearest node that names it
  };
  /// Finds a node's group. More than half of the groups of its watchers must report that group, with one vote per
  /// group, by the group's nearest watcher. At least three groups must agree, or the reported group must be one of
  /// them; two are enough if there are fewer groups, or fewer nodes than kWatchers. Otherwise the node counts for the
  /// group of the nearest node that names it, so made-up nodes count for their maker. A watcher without a report stands
  /// for the claimed group. If this node is a watcher, its own report decides.
  Heard heard_from(const base::NodeId& id, const One& one, std::span<const base::NodeId> watchers) const;
  /// Returns the asked nodes nearest to a node, without the node itself, nearest first.
  std::vector<base::NodeId> watchers_of(const base::NodeId& id) const;
  std::size_t sites_to_agree(const base::NodeId& id, std::size_t watchers) const;
  base::AddressGroup site_of(const base::NodeId& watcher) const;
  void take_vouches(One& one, const base::NodeId& id, std::span<const base::ByteView> all) const;

  const Region region_;
  std::vector<base::NodeId> asked_;
  Sites sites_;
  std::map<std::optional<base::AddressGroup>, std::size_t>
      named_from_one_;  // nodes asked because only that group named them
  const unsigned work_bits_;
  std::map<base::NodeId, One> nodes_;
};

}  // namespace troupe::registry
