#pragma once
// The nodes that this node watches: their last heartbeats, and how they are.
//
// Order   of one node numbers rise; a date is at most kClockSkewMax from this node's.
// Rate    a heartbeat sooner than a period less a tenth after the last one is refused. One that was asked for is not.
// Late    a tenth of a period after it should have come, it is asked for; then once a period, and once in kPatience
//         periods of a node that is gone.
// Status  offline: kMissed periods, and a tenth of one, without a heartbeat. Otherwise what its last heartbeat says.
// Ends    a node is forgotten after kForgetAfter without a heartbeat, or after kStrangeAfter in which it told nothing
//         by itself: then this node is one of its watchers no more. One without a registration, after kPatience
//         periods.
// Listed  nodes with registration and heartbeat: a walk costs as much as it shows, whatever else there is.
// Limits  nodes_max; shares by address group, as ShareBudget has them. A loopback address is a group by itself.
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

inline constexpr std::size_t kWatchers = 5;  // of a node: those nearest to its id
inline constexpr std::uint32_t kMissed = 3;
/// Without a heartbeat for longer a node is offline.
inline base::Duration missed_after(base::Duration period) { return period * kMissed + period / 10; }
inline constexpr std::uint32_t kPatience = 10;            // our choice
inline constexpr std::chrono::minutes kClockSkewMax{10};  // as of the DHT's records
inline constexpr std::chrono::hours kKeep{7 * 24};        // of history, and of nodes that are gone
inline constexpr std::chrono::hours kForgetAfter = kKeep;
inline constexpr std::chrono::hours kStrangeAfter{24};  // our choice

enum class Status : std::uint8_t { healthy, unhealthy, offline };  // as messages/registry.capnp
std::string_view name(Status status);
std::optional<Status> status_named(std::string_view text);

/// What makes a node unhealthy, in thousandths: more than that.
struct Thresholds {
  std::uint32_t load = 4'000;  ///< runnable threads a core
  std::uint16_t memory = 950;
  std::uint16_t success = 500;  ///< less than that, of its tasks
  friend bool operator==(const Thresholds&, const Thresholds&) = default;
};

Status judge(const Heartbeat& beat, const Thresholds& thresholds);

/// One watched node.
struct Watch {
  std::optional<Registration> registration;  ///< without its capabilities, which nothing here asks for
  base::Bytes registration_bytes;
  Heartbeat beat;
  base::Bytes beat_bytes;              ///< empty: only its registration came so far
  std::vector<base::Bytes> vouches{};  ///< that it has shown; their readers check them
  base::Instant heard;                 ///< the last heartbeat
  base::Instant told;                  ///< the last one that was not asked for
  base::Instant due;                   ///< when it is asked for one, or forgotten
  bool unheard = false;                ///< since this node started
  base::User<base::NodeId> user{};     ///< whose place it has
  base::AddressGroup site{};           ///< from which it told its last heartbeat; zeros: not known
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
    old,    ///< its number is below that of one that came
    date,   ///< more than kClockSkewMax from this node's
    early,  ///< the period is not over
    full,   ///< there is no place for another node of that group
  };
  enum class Way : std::uint8_t { told, pulled };

  /// Looks at what costs nothing, before a signature is verified. `again` if it is the last one that came.
  struct Look {
    std::optional<Refusal> refused;
    bool again = false;
  };
  Look look(const base::NodeId& id, const Heartbeat& beat, Way way, base::Instant now, base::WallTime wall) const;
  /// Takes a heartbeat that look() does not refuse. Nothing if there was no place.
  const Watch* take(const base::User<base::NodeId>& from, Heartbeat beat, base::Bytes bytes, Way way,
                    base::Instant now);
  /// Takes a newer registration; false if it is not newer, or there is no place.
  bool take(const base::User<base::NodeId>& from, Registration what, base::Bytes bytes, base::Instant now);
  /// What a watched node shows, in place of what it has shown before.
  void show(const base::NodeId& id, std::vector<base::Bytes> vouches);
  /// Puts back what was watched before a restart: it counts as heard now.
  void restore(const base::User<base::NodeId>& user, Watch watch, base::Instant now);

  const Watch* find(const base::NodeId& id) const;
  Status status(const Watch& watch, base::Instant now) const;
  std::size_t size() const { return nodes_.size(); }

  /// Nodes to ask for a heartbeat at `now`, at most `most`.
  std::vector<base::NodeId> due(base::Instant now, std::size_t most);
  /// Those that were forgotten since the last call, at due() or because another one took their place.
  std::vector<base::NodeId> take_forgotten() { return std::exchange(forgotten_, {}); }
  /// When due() has something to say; Instant::max(): never.
  base::Instant due_at() const { return due_.empty() ? base::Instant::max() : due_.begin()->first; }

  /// Walks nodes with registration and heartbeat whose id begins with the first `bits` of `prefix`, by rising id behind
  /// `behind`, until `take` returns false.
  template <class Take>
  void walk(const base::NodeId& prefix, unsigned bits, const std::optional<base::NodeId>& behind, Take&& take) const;

  base::Duration missed_after() const { return registry::missed_after(limits_.period); }
  const Limits& limits() const { return limits_; }
  /// From now on; what has been heard is judged anew when it is asked for.
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
  std::set<base::NodeId> listed_;  // those that walk() shows
  std::set<std::pair<base::Instant, base::NodeId>> due_;
  std::vector<base::NodeId> forgotten_;
};

using dht::shared_bits;
/// An address group as messages carry it: 16 bytes; nothing if they are others, or zeros.
std::optional<base::AddressGroup> site_from(base::ByteView bytes);
/// Of a node that shares its address group with no other.
base::AddressGroup group_alone(const base::NodeId& id);
/// Of a node at that address. Nodes of one machine are groups of their own, as in the DHT.
base::AddressGroup group_of(const base::NodeId& id, const base::Endpoint& at);
/// Who watches a node, of those nearest to it by rising distance, with their groups: at most kWatchers places among
/// them. The nearest of each group first, for ids near to another one cost little, and sites more; others fill what is
/// left.
std::vector<std::size_t> choose_watchers(std::span<const base::AddressGroup> nearest);
/// The first `bits` of an id, and zeros behind them.
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
