#pragma once
// The actors that are ready, and which of them runs next: what a seed can try of the orders that production might show.
//
// Source  Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", 2010 (pct).
// Cost    of a turn: constant, with pct the logarithm of how many are ready.
// Owner   one stage. Draws only from the stream of chance that it was given; knows jobs by their address alone.
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
  random,  ///< uniformly: finds what depends on an order that production does not promise
  pct,     ///< by a random rank of each actor, one of which sinks now and then: finds what needs few rare orders
  starve,  ///< uniformly, but one actor for a while only when nothing else is ready: finds who cannot wait
};

std::string_view name(Policy policy);
std::optional<Policy> policy(std::string_view name);

inline constexpr std::uint64_t kSinkEvery = 2'000;    // our choice, picks on average: some sinks in each second of work
inline constexpr std::uint64_t kStarvePicks = 5'000;  // our choice: long enough to meet deadlines

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

  /// Adds one that became ready, or is so again after its turn. It is not among them yet.
  void add(const Ready& one);

  struct Pick {
    Ready ready;
    std::size_t place;  ///< among those that were ready, as the policy keeps them; fifo and pct: always the first
  };
  /// Takes out the one that runs next; nothing if none is ready.
  std::optional<Pick> take();

  bool empty() const { return ready_.empty(); }

 private:
  struct Ranked {
    Ready ready;
    std::uint64_t rank;  // pct: the highest runs
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
  std::uint64_t picks_left_ = 0;      // until something sinks, or another one starves
  std::vector<std::uint64_t> ranks_;  // by number. Zero: not drawn yet
  std::uint64_t lowest_ = 1ull << 32;
  ActorNumber starving_ = 0;
};

}  // namespace troupe::sim
