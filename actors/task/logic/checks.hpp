#pragma once
// Chooses the node to check next. Each node that this node watches and that accepts tasks is checked, and checked again
// before its right result is too old to count.
//
// New      checked within kSpread, at a random time, because all watchers of a node start to watch it at once.
// Right    checked again after kAgain, which is before registry::kVouchLife.
// Wrong    checked again after kAgainWrong, because a node may be repaired.
// Nothing  a node that does not answer is checked again after kRetryMin, doubling to kRetryMax.
// Order    of due nodes: fewest unanswered checks in a row, then the address group with the fewest checks within the
//          hour, then the longest due. Silent nodes get 1/kSilentPart of the checks per hour.
// Limits   `at_once` checks in progress, and `per_hour` per hour. Once half of an hour's checks are used, each group
//          may use 1/base::kGroupPart. kNodesMax nodes; once half are used, kGroupMax per group. When full, a silent
//          node without a right result is evicted, from a group larger than the new node's. A node is forgotten once it
//          was not seen for kForgetAfter and in kWalksMissed whole scans.
#include <deque>
#include <map>
#include <optional>

#include "actors/registry/api.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"

namespace troupe::task {

class Checks {
 public:
  static constexpr std::chrono::seconds kSpread{2};        // our choice
  static constexpr std::chrono::hours kAgain{20};          // our choice: plus up to kAgainSpread
  static constexpr std::chrono::hours kAgainSpread{2};     // our choice
  static constexpr std::chrono::hours kAgainWrong{1};      // our choice
  static constexpr std::chrono::seconds kRetryMin{2};      // our choice: for a node that has just started
  static constexpr std::chrono::minutes kRetryMax{30};     // our choice
  static constexpr std::chrono::minutes kForgetAfter{10};  // our choice
  static constexpr std::uint32_t kWalksMissed = 2;         // our choice: a scan takes minutes if many nodes are watched
  static constexpr std::size_t kNodesMax = 1'024;          // our choice: a node watches some ten, or a small network
  static constexpr std::size_t kGroupMax = kNodesMax / base::kGroupPart;
  static constexpr std::uint32_t kSilentPart = 2;  // our choice: the other half is for nodes that answer, and new ones
  static_assert(kAgain + kAgainSpread + kRetryMax < registry::kVouchLife);

  struct Limits {
    std::uint32_t at_once = 2;
    std::uint32_t per_hour = 60;
  };
  explicit Checks(Limits limits) : limits_(limits) {}

  enum class Ending : std::uint8_t { right, wrong, nothing };

  /// Records a node that accepts tasks. `judged`: time since its last right result for this node, if known.
  void see(const base::NodeId& node, const base::AddressGroup& group, std::optional<base::Duration> judged,
           base::Instant now, base::Random& chance);
  /// Records the end of one more scan over all watched nodes.
  void walked() { ++walks_; }
  bool knows(const base::NodeId& node) const { return nodes_.contains(node); }
  /// Returns the node to check now, or nullopt if none is due or may be begun. Its check is in progress until ended().
  std::optional<base::NodeId> next(base::Instant now);
  /// Returns whether a node waits only because all slots for checks are in use.
  bool kept_waiting(base::Instant now) { return under_way_ >= limits_.at_once && first(now) != nodes_.end(); }
  void ended(const base::NodeId& node, Ending ending, base::Instant now, base::Random& chance);
  /// Has the node checked again soon, because its result could not be stored.
  void again(const base::NodeId& node, base::Instant now);
  void forget(base::Instant now);

  std::size_t under_way() const { return under_way_; }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct One {
    base::AddressGroup group;
    base::Instant due;
    base::Instant seen;
    std::uint64_t walk = 0;    ///< the scan in which it was seen
    std::uint32_t silent = 0;  ///< unanswered checks in a row
    bool right = false;        ///< has ever been right, as far as is known
    bool running = false;
  };
  using Nodes = std::map<base::NodeId, One>;
  struct Begun {
    base::Instant at;
    base::AddressGroup group;
    bool silent = false;  ///< the node's previous check was unanswered
  };
  void move(One& one, const base::AddressGroup& group);
  bool make_room(const base::AddressGroup& group);
  void forget(Nodes::iterator one);
  std::size_t of(const base::AddressGroup& group) const;
  /// Returns the first node that is due and may be begun if a slot is free, or end().
  Nodes::iterator first(base::Instant now);
  static base::Duration drawn(base::Duration below, base::Random& chance) {
    return base::Duration(static_cast<base::Duration::rep>(chance.below(static_cast<std::uint64_t>(below.count()))));
  }

  const Limits limits_;
  Nodes nodes_;
  std::map<base::AddressGroup, std::size_t> groups_;  ///< how many of `nodes_` each has
  std::deque<Begun> begun_;                           ///< checks begun within the last hour
  std::size_t under_way_ = 0;
  std::uint64_t walks_ = 0;  ///< finished scans
};

}  // namespace troupe::task
