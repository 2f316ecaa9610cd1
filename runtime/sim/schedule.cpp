#include "runtime/sim/schedule.hpp"

#include <algorithm>
#include <array>

namespace troupe::sim {
namespace {

constexpr std::array<std::string_view, 4> kNames{"fifo", "random", "pct", "starve"};
constexpr std::uint64_t kRanks = 1ull << 62;  // the upper half is drawn from; those that sank lie below

}  // namespace

std::string_view name(Policy policy) { return kNames[static_cast<std::size_t>(policy)]; }

std::optional<Policy> policy(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Policy>(found - kNames.begin());
}

Schedule::Schedule(Policy policy, base::Random& random) : policy_(policy), random_(random), picks_left_(0) {
  if (policy_ == Policy::pct) picks_left_ = 1 + random_.below(2 * kSinkEvery);
}

std::size_t Schedule::pick(std::size_t ready, const NumberAt& number_at) {
  switch (policy_) {
    case Policy::fifo: return 0;
    case Policy::random: return ready == 1 ? 0 : random_.below(ready);
    case Policy::pct: return pick_ranked(ready, number_at);
    case Policy::starve: return pick_starving(ready, number_at);
  }
  return 0;
}

std::size_t Schedule::pick_ranked(std::size_t ready, const NumberAt& number_at) {
  std::size_t best = 0;
  std::uint64_t best_rank = rank(number_at(0));
  for (std::size_t place = 1; place < ready; ++place) {
    const std::uint64_t its = rank(number_at(place));
    if (its <= best_rank) continue;
    best = place;
    best_rank = its;
  }
  if (--picks_left_ == 0) {
    picks_left_ = 1 + random_.below(2 * kSinkEvery);
    ranks_[number_at(best)] = --lowest_;  // below all that are drawn, and below whoever sank before
  }
  return best;
}

std::uint64_t Schedule::rank(ActorNumber actor) {
  if (actor >= ranks_.size()) ranks_.resize(actor + 1, 0);
  if (ranks_[actor] == 0) ranks_[actor] = kRanks + random_.below(kRanks);
  return ranks_[actor];
}

std::size_t Schedule::pick_starving(std::size_t ready, const NumberAt& number_at) {
  if (picks_left_ == 0) {
    picks_left_ = 1 + random_.below(2 * kStarvePicks);
    starving_ = number_at(random_.below(ready));
  }
  --picks_left_;
  if (ready == 1) return 0;
  const std::size_t place = random_.below(ready);
  if (number_at(place) != starving_) return place;
  // Any other one will do; the one behind it is as random as this was.
  return (place + 1) % ready;
}

}  // namespace troupe::sim
