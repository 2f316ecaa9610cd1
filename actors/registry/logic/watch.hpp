#pragma once
// The nodes that this node watches: their last heartbeats, and their status.
//
// Order   numbers of one node rise; a date is at most kClockSkewMax from this node's.
// Rate    a heartbeat less than nine tenths of a period after the last heartbeat is refused, unless it was requested.
// Late    a heartbeat is requested once it is a tenth of a period late, then every period, or every kPatience periods
//         if the node is gone.
// Status  offline after kMissed periods and a tenth without a heartbeat; otherwise by its last heartbeat.
// Ends    a node is forgotten after kForgetAfter without a heartbeat, or kStrangeAfter without an unrequested
//         heartbeat, because then this node is no longer its watcher. A node without a registration is forgotten after
//         kPatience periods.
// Listed  nodes with registration and heartbeat, so a walk costs only what it shows.
// Limits  nodes_max; quotas by address group (ShareBudget). Each loopback address is its own group.
// Owner   one actor.
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/registry/logic/heartbeat.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::registry {

inline constexpr std::size_t kWatchers = 5;  // of a node: the nodes nearest to its id
inline constexpr std::uint32_t kMissed = 3;
/// Returns the silence after which a node is offline.
inline base::Duration missed_after(base::Duration period) { return period * kMissed + period / 10; }
inline constexpr std::uint32_t kPatience = 10;            // our choice
inline constexpr std::chrono::minutes kClockSkewMax{10};  // as for the DHT's records
inline constexpr std::chrono::hours kKeep{7 * 24};        // for history, and nodes that are gone
inline constexpr std::chrono::hours kForgetAfter = kKeep;
inline constexpr std::chrono::hours kStrangeAfter{24};  // our choice

enum class Status : std::uint8_t { healthy, unhealthy, offline };  // as in messages/registry.capnp
std::string_view name(Status status);
std::optional<Status> status_named(std::string_view text);

/// A node is unhealthy above these values, in thousandths.
struct Thresholds {
  std::uint32_t load = 4'000;  ///< runnable threads per core
  std::uint16_t memory = 950;
  std::uint16_t success = 500;  ///< below that, for its tasks
  friend bool operator==(const Thresholds&, const Thresholds&) = default;
};

Status judge(const Heartbeat& beat, const Thresholds& thresholds);

/// One watched node.
struct Watch {
  std::optional<Registration> registration;  ///< without its capabilities, which are not needed here
  base::Bytes registration_bytes;
  Heartbeat beat;
  base::Bytes beat_bytes;              ///< empty: only its registration has arrived
  std::vector<base::Bytes> vouches{};  ///< shown by the node; readers verify them
  base::Instant heard;                 ///< time of the last heartbeat
  base::Instant told;                  ///< time of the last unrequested heartbeat
  base::Instant due;                   ///< when a heartbeat is requested, or it is forgotten
  bool unheard = false;                ///< no heartbeat has arrived since this node started
  base::User<base::NodeId> user{};     ///< whose quota it uses
  base::AddressGroup site{};           ///< group from which its last heartbeat came; zeros: unknown
};

class Watched {
 public:
  struct Limits {
    base::Duration period = std::chrono::seconds(60);
    std::size_t nodes_max = 20'000;
    Thresholds thresholds{};
  };
  explicit Watched(Limits limits) : limits_(limits), budget_(limits.nodes_max) {}

  enum class Refusal : std::uint8_t {
    old,    ///< its number is below the last number
    date,   ///< more than kClockSkewMax from this node's date
    early,  ///< too soon after the last heartbeat
    full,   ///< no slot for another node of that group
  };
  enum class Way : std::uint8_t { told, pulled };

  /// Checks what is cheap, before a signature is verified. `again`: it is the last heartbeat, repeated.
  struct Look {
    std::optional<Refusal> refused;
    bool again = false;
  };
  Look look(const base::NodeId& id, const Heartbeat& beat, Way way, base::Instant now, base::WallTime wall) const;
  /// Takes a heartbeat that look() accepts. Returns null if there was no slot.
  const Watch* take(const base::User<base::NodeId>& from, Heartbeat beat, base::Bytes bytes, Way way,
                    base::Instant now);
  /// Takes a newer registration. Returns false if it is not newer, or there is no slot.
  bool take(const base::User<base::NodeId>& from, Registration what, base::Bytes bytes, base::Instant now);
  /// Replaces the vouches that a watched node shows.
  void show(const base::NodeId& id, std::vector<base::Bytes> vouches);
  /// Restores a node watched before a restart; it counts as heard now.
  void restore(const base::User<base::NodeId>& user, Watch watch, base::Instant now);

  const Watch* find(const base::NodeId& id) const;
  Status status(const Watch& watch, base::Instant now) const;
  std::size_t size() const { return nodes_.size(); }

  /// Returns at most `most` nodes whose heartbeat is to be requested at `now`.
  std::vector<base::NodeId> due(base::Instant now, std::size_t most);
  /// Returns the nodes forgotten since the last call, by due() or by eviction.
  std::vector<base::NodeId> take_forgotten() { return std::exchange(forgotten_, {}); }
  /// Returns when due() will return nodes; Instant::max(): never.
  base::Instant due_at() const { return due_.empty() ? base::Instant::max() : due_.begin()->first; }

  /// Walks nodes with registration and heartbeat whose id begins with the first `bits` of `prefix`, by rising id after
  /// `behind`, until `take` returns false.
  template <class Take>
  void walk(const base::NodeId& prefix, unsigned bits, const std::optional<base::NodeId>& behind, Take&& take) const;

  base::Duration missed_after() const { return registry::missed_after(limits_.period); }
  const Limits& limits() const { return limits_; }
  /// Sets the thresholds for all later status().
  void judge_by(const Thresholds& thresholds) { limits_.thresholds = thresholds; }

 private:
  using Nodes = std::map<base::NodeId, Watch>;
  Watch* place(const base::User<base::NodeId>& user, base::Instant now);
  void forget(Nodes::iterator at);
  void set_due(Nodes::iterator at, base::Instant when);
  void list(const base::NodeId& id, const Watch& watch);

  Limits limits_;
  base::ShareBudget<base::NodeId> budget_;
  Nodes nodes_;
  std::set<base::NodeId> listed_;  // the nodes that walk() shows
  std::set<std::pair<base::Instant, base::NodeId>> due_;
  std::vector<base::NodeId> forgotten_;
};

using dht::shared_bits;
/// Reads an address group from a message (16 bytes); returns nullopt for other lengths or zeros.
std::optional<base::AddressGroup> site_from(base::ByteView bytes);
/// Returns a group for that node only.
base::AddressGroup group_alone(const base::NodeId& id);
/// Returns the group of a node at that address. Each node of one machine is its own group, as in the DHT.
base::AddressGroup group_of(const base::NodeId& id, const base::Endpoint& at);
/// Chooses a node's watchers: at most kWatchers indices in `nearest`, the groups of the nodes nearest to it by rising
/// distance. The nearest of each group come first, because ids near to another id are cheap and groups are not. Other
/// nodes fill the rest.
std::vector<std::size_t> choose_watchers(std::span<const base::AddressGroup> nearest);
/// Returns the first `bits` of an id, followed by zeros.
base::NodeId first_bits(const base::NodeId& of, unsigned bits);

template <class Take>
void Watched::walk(const base::NodeId& prefix, unsigned bits, const std::optional<base::NodeId>& behind,
                   Take&& take) const {
  const base::NodeId first = first_bits(prefix, bits);
  const bool on = behind && first < *behind;
  for (auto at = on ? listed_.upper_bound(*behind) : listed_.lower_bound(first); at != listed_.end(); ++at)
    if (shared_bits(*at, prefix) < bits || !take(*at, nodes_.at(*at))) return;
}

}  // namespace troupe::registry
