#pragma once
// Which node is to be checked next: each that this node watches and that takes tasks, again before a right answer is
// too old to count.
//
// New      within kSpread, at a moment of chance: all watchers of a node begin to watch it at once.
// Right    again after kAgain, before registry::kVouchLife is over.
// Wrong    again after kAgainWrong: a node may be mended.
// Nothing  one that does not answer is asked again later and later, kRetryMin to kRetryMax.
// Limits   `at_once` under way, `per_hour` begun in an hour, kNodesMax nodes; one not seen for kForgetAfter is
// forgotten.
#include <deque>
#include <map>
#include <optional>

#include "actors/registry/api.hpp"
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
  static constexpr std::size_t kNodesMax = 1'024;  // our choice: a node watches some ten, or all of a small network
  static_assert(kAgain + kAgainSpread + kRetryMax < registry::kVouchLife);

  struct Limits {
    std::uint32_t at_once = 2;
    std::uint32_t per_hour = 60;
  };
  explicit Checks(Limits limits) : limits_(limits) {}

  enum class Ending : std::uint8_t { right, wrong, nothing };

  /// A node that takes tasks is there. `judged`: how long ago it has answered this node right, as far as is known.
  void see(const base::NodeId& node, std::optional<base::Duration> judged, base::Instant now, base::Random& chance);
  bool knows(const base::NodeId& node) const { return nodes_.contains(node); }
  /// The node to check now, which counts as under way until ended(); nothing if none is due, or may be begun.
  std::optional<base::NodeId> next(base::Instant now);
  void ended(const base::NodeId& node, Ending ending, base::Instant now, base::Random& chance);
  /// What it has answered could not be kept: it is asked again soon.
  void again(const base::NodeId& node, base::Instant now);
  void forget(base::Instant now);

  std::size_t under_way() const { return under_way_; }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct One {
    base::Instant due;
    base::Instant seen;
    std::uint32_t silent = 0;  ///< times in a row
    bool running = false;
  };
  static base::Duration drawn(base::Duration below, base::Random& chance) {
    return base::Duration(static_cast<base::Duration::rep>(chance.below(static_cast<std::uint64_t>(below.count()))));
  }

  const Limits limits_;
  std::map<base::NodeId, One> nodes_;
  std::deque<base::Instant> begun_;  ///< within the last hour
  std::size_t under_way_ = 0;
};

}  // namespace troupe::task
