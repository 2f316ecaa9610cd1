#pragma once
// How the list of all nodes is made: region by region of the key space, from what watchers say.
//
// Region  the nodes nearest to a point are all there are in some part around it. Fewer than were asked for: in all of
//         the key space. Otherwise in the smallest part that leaves the farthest one out.
// Votes   a node's status is that of most of its watchers: of the kWatchers nodes of a region that are nearest to it.
//         If as many say one thing as another, the better one holds: who heard it last knows best.
// Lives   a heartbeat that is not older than one may be shows by its node's own signature that it is not offline, also
//         where most watchers say so; but one that was heard by none of them lately is of a clock that is ahead.
// Unheard a watcher that has started since it heard a node judges only where no other does.
// Site    of a node: the address group from which its watchers hear it. It counts if the sites of more than half of the
//         nearest nodes that were asked say the same, of each site its nearest watcher, and are three or the site
//         itself is among them; two, where there are no more sites or fewer nodes than watch one. Otherwise the node is
//         of the site of the nearest that names it: what is made up belongs to who makes it up. A watcher that does not
//         tell says what the node claims. Where this node is a watcher, its own word is the only one.
// Asked   beside those that the DHT names: first the nodes that watchers of most sites name, and of those that are
//         named from one site alone a quarter for each.
// Trust   a part of an answer that was not signed by its node is left out, and the rest of the answer stays.
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
  /// Where the next region begins; nothing after the last one.
  std::optional<base::NodeId> behind() const;
};

/// The region around `at`, given the `nearest` nodes to it of which at most `most` are named, in any order.
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
  std::size_t sites = 0;                     ///< of the nearest watchers that name it
  std::optional<base::AddressGroup> site{};  ///< nothing: the node alone names itself
  bool here = false;                         ///< this node is one of its watchers
  bool unheard = false;                      ///< by all of them, since they started
  std::vector<Vouch> vouches{};              ///< of different judges, whose signatures are good
};

/// When a heartbeat is of a node that lives, and what it says of the node then.
struct Fresh {
  std::uint64_t unix_ms = 0, within_ms = 0;
  Thresholds thresholds{};
  bool has(const Heartbeat& beat) const { return unix_ms < beat.unix_ms + within_ms; }
};

/// Gathers what is said about the nodes of one region.
class Gathered {
 public:
  using Sites = std::map<base::NodeId, base::AddressGroup>;
  /// `asked`: the nodes that are asked about it, this one included; `sites`: of those of them that share one.
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
  /// What `by` says. `trusted`: this node itself, which has verified it before. False: it is of no use.
  bool take(const base::NodeId& by, const Said& said, bool trusted);

  /// Nodes that were named and not asked, at most `most`, and in all `each_site` of those that one site alone names:
  /// they are counted as asked from now on.
  std::vector<std::pair<base::NodeId, base::Contact>> unasked(std::size_t most, std::size_t each_site);

  /// By rising id, with their status; without those that have taken themselves off the list.
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
  /// By watchers of how many sites a node is heard, and where.
  struct Heard {
    std::size_t sites = 0;
    std::optional<base::AddressGroup> site{};
    std::optional<base::AddressGroup> named_from{};  ///< the site of the nearest that names it
  };
  Heard heard_from(const base::NodeId& id, const One& one, std::span<const base::NodeId> watchers) const;
  /// The nodes that were asked and are nearest to one, without itself, nearest first.
  std::vector<base::NodeId> watchers_of(const base::NodeId& id) const;
  std::size_t sites_to_agree(const base::NodeId& id, std::size_t watchers) const;
  base::AddressGroup site_of(const base::NodeId& watcher) const;
  void take_vouches(One& one, const base::NodeId& id, std::span<const base::ByteView> all) const;

  const Region region_;
  std::vector<base::NodeId> asked_;
  Sites sites_;
  std::map<std::optional<base::AddressGroup>, std::size_t> named_from_one_;  // nodes that were asked for that
  const unsigned work_bits_;
  std::map<base::NodeId, One> nodes_;
};

}  // namespace troupe::registry
