#pragma once
// The ready actors, and the choice of which runs next: each seed tries another order that production might show.
//
// Source  Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", 2010 (pct).
// Cost    per turn: constant; for pct logarithmic in the number of ready actors.
// Owner   one stage. Draws only from its given stream of chance; uses only the addresses of jobs.
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/random.hpp"

namespace caf {
class resumable;
}

namespace troupe::sim {

enum class Policy : std::uint8_t {
  fifo,    ///< in turn: easy to follow
  random,  ///< uniformly: finds dependence on an order that production does not promise
  pct,     ///< by a random rank per actor, and now and then an actor's rank sinks: finds bugs that need few rare orders
  starve,  ///< uniformly, but for a while one actor runs only if no other is ready: finds actors that cannot wait
};

std::string_view name(Policy policy);
std::optional<Policy> policy(std::string_view name);

inline constexpr std::uint64_t kSinkEvery = 2'000;    // our choice: average picks per sink; some sinks per second
inline constexpr std::uint64_t kStarvePicks = 5'000;  // our choice: picks; long enough to miss deadlines

/// An actor's number in its system; small and dense.
using ActorNumber = std::uint64_t;

/// An actor that is ready.
struct Ready {
  ActorNumber actor = 0;
  caf::resumable* job = nullptr;
};

class Schedule {
 public:
  Schedule(Policy policy, base::Random& random);

  /// Adds an actor that became ready, or is ready again after its turn. It must not be in the schedule.
  void add(const Ready& one);

  struct Pick {
    Ready ready;
    std::size_t place;  ///< index among the ready actors in the policy's order; fifo and pct: always the first
  };
  /// Removes and returns the actor that runs next; nullopt if none is ready.
  std::optional<Pick> take();

  bool empty() const { return ready_.empty(); }

 private:
  struct Ranked {
    Ready ready;
    std::uint64_t rank;  // pct: the actor with the highest rank runs
  };
  static bool lower(const Ranked& one, const Ranked& other) { return one.rank < other.rank; }

  Pick take_first();
  Pick take_at(std::size_t place);
  Pick take_highest();
  std::size_t place_but_for_starving();
  std::uint64_t rank(ActorNumber actor);

  Policy policy_;
  base::Random& random_;
  std::deque<Ranked> ready_;          // pct: a heap, for lower()
  std::uint64_t picks_left_ = 0;      // picks until an actor sinks, or another actor starves
  std::vector<std::uint64_t> ranks_;  // by number. Zero: not drawn yet
  std::uint64_t lowest_ = 1ull << 32;
  ActorNumber starving_ = 0;
};

}  // namespace troupe::sim
