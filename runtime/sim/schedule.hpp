#pragma once
// Which of the actors that are ready runs next: what a seed can try of the orders that production might show.
//
// Source  Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", 2010 (pct).
// Owner   one stage. Draws only from the stream of chance that it was given.
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/random.hpp"

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

class Schedule {
 public:
  Schedule(Policy policy, base::Random& random);

  Policy policy() const { return policy_; }

  /// The number of the actor at a place among those that are ready.
  using NumberAt = std::function<ActorNumber(std::size_t place)>;

  /// The place of the one that runs next among `ready` actors, at least one.
  std::size_t pick(std::size_t ready, const NumberAt& number_at);

 private:
  std::size_t pick_ranked(std::size_t ready, const NumberAt& number_at);
  std::size_t pick_starving(std::size_t ready, const NumberAt& number_at);
  std::uint64_t rank(ActorNumber actor);

  Policy policy_;
  base::Random& random_;
  std::uint64_t picks_left_;          // until something sinks, or another one starves
  std::vector<std::uint64_t> ranks_;  // by number; the highest runs. Zero: not drawn yet
  std::uint64_t lowest_ = 1ull << 32;
  ActorNumber starving_ = 0;
};

}  // namespace troupe::sim
