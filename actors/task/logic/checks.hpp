#pragma once
// Which node is to be checked next: each that this node watches and that takes tasks, again before a right answer is
// too old to count.
//
// New      within kSpread, at a moment of chance: all watchers of a node begin to watch it at once.
// Right    again after kAgain, before registry::kVouchLife is over.
// Wrong    again after kAgainWrong: a node may be mended.
// Nothing  one that does not answer is asked again later and later, kRetryMin to kRetryMax.
// Order    nodes that are due: fewest silences in a row first, then the address group with the fewest checks within the
//          hour, then the node that is due for longest. Silent nodes have kSilentPart of the checks of an hour.
// Limits   `at_once` under way, `per_hour` begun in an hour, of which a group has base::kGroupPart once half of them
//          are: fewer nodes of one site never notice. kNodesMax nodes, in the second half of which a group has
//          kGroupMax. When it is full, a node that was silent, never right, and of a larger group makes room. A node
//          not seen for kForgetAfter, nor in kWalksMissed whole walks over those that are watched, is forgotten.
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
  static constexpr std::chrono::hours kAgain{20};          // our choice: and up to kAgainSpread more
  static constexpr std::chrono::hours kAgainSpread{2};     // our choice
  static constexpr std::chrono::hours kAgainWrong{1};      // our choice
  static constexpr std::chrono::seconds kRetryMin{2};      // our choice: a node that has just started
  static constexpr std::chrono::minutes kRetryMax{30};     // our choice
  static constexpr std::chrono::minutes kForgetAfter{10};  // our choice
  static constexpr std::uint32_t kWalksMissed = 2;         // our choice: one takes minutes where many are watched
  static constexpr std::size_t kNodesMax = 1'024;  // our choice: a node watches some ten, or all of a small network
  static constexpr std::size_t kGroupMax = kNodesMax / base::kGroupPart;
  static constexpr std::uint32_t kSilentPart =
      2;  // our choice: half, the rest is for those that answer and for new ones
  static_assert(kAgain + kAgainSpread + kRetryMax < registry::kVouchLife);

  struct Limits {
    std::uint32_t at_once = 2;
    std::uint32_t per_hour = 60;
  };
  explicit Checks(Limits limits) : limits_(limits) {}

  enum class Ending : std::uint8_t { right, wrong, nothing };

  /// A node that takes tasks is there. `judged`: how long ago it has answered this node right, as far as is known.
  void see(const base::NodeId& node, const base::AddressGroup& group, std::optional<base::Duration> judged,
           base::Instant now, base::Random& chance);
  /// All nodes that are watched were looked at once more.
  void walked() { ++walks_; }
  bool knows(const base::NodeId& node) const { return nodes_.contains(node); }
  /// The node to check now, which counts as under way until ended(); nothing if none is due, or may be begun.
  std::optional<base::NodeId> next(base::Instant now);
  /// Whether a node waits for no more than that a check which is under way ends.
  bool kept_waiting(base::Instant now) { return under_way_ >= limits_.at_once && first(now) != nodes_.end(); }
  void ended(const base::NodeId& node, Ending ending, base::Instant now, base::Random& chance);
  /// What it has answered could not be kept: it is asked again soon.
  void again(const base::NodeId& node, base::Instant now);
  void forget(base::Instant now);

  std::size_t under_way() const { return under_way_; }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct One {
    base::AddressGroup group;
    base::Instant due;
    base::Instant seen;
    std::uint64_t walk = 0;    ///< in which it was seen
    std::uint32_t silent = 0;  ///< times in a row
    bool right = false;        ///< once, as far as is known
    bool running = false;
  };
  using Nodes = std::map<base::NodeId, One>;
  struct Begun {
    base::Instant at;
    base::AddressGroup group;
    bool silent = false;  ///< its node was, before
  };
  void move(One& one, const base::AddressGroup& group);
  bool make_room(const base::AddressGroup& group);
  void forget(Nodes::iterator one);
  std::size_t of(const base::AddressGroup& group) const;
  /// The first one that is due and may be begun, if a place is free; else the end.
  Nodes::iterator first(base::Instant now);
  static base::Duration drawn(base::Duration below, base::Random& chance) {
    return base::Duration(static_cast<base::Duration::rep>(chance.below(static_cast<std::uint64_t>(below.count()))));
  }

  const Limits limits_;
  Nodes nodes_;
  std::map<base::AddressGroup, std::size_t> groups_;  ///< how many of `nodes_`
  std::deque<Begun> begun_;                           ///< within the last hour
  std::size_t under_way_ = 0;
  std::uint64_t walks_ = 0;  ///< that are over
};

}  // namespace troupe::task
