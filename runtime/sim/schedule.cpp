#include "runtime/sim/schedule.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::sim {
namespace {

constexpr std::array<std::string_view, 4> kNames{"fifo", "random", "pct", "starve"};
constexpr std::uint64_t kRanks = 1ull << 62;  // ranks are drawn from the upper half; sunk ranks are lower

}  // namespace

std::string_view name(Policy policy) { return kNames[static_cast<std::size_t>(policy)]; }

std::optional<Policy> policy(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Policy>(found - kNames.begin());
}

Schedule::Schedule(Policy policy, base::Random& random) : policy_(policy), random_(random) {
  if (policy_ == Policy::pct) picks_left_ = 1 + random_.below(2 * kSinkEvery);
}

void Schedule::add(const Ready& one) {
  if (policy_ != Policy::pct) return ready_.push_back({one, 0});
  ready_.push_back({one, rank(one.actor)});
  std::push_heap(ready_.begin(), ready_.end(), lower);
}

std::optional<Schedule::Pick> Schedule::take() {
  if (ready_.empty()) return std::nullopt;
  switch (policy_) {
    case Policy::fifo: return take_first();
    case Policy::random: return take_at(ready_.size() == 1 ? 0 : random_.below(ready_.size()));
    case Policy::pct: return take_highest();
    case Policy::starve: return take_at(place_but_for_starving());
  }
  return std::nullopt;
}

Schedule::Pick Schedule::take_first() {
  const Ready first = ready_.front().ready;
  ready_.pop_front();
  return {first, 0};
}

/// Their order does not matter for random picks: the last actor moves to the free position.
Schedule::Pick Schedule::take_at(std::size_t place) {
  const Ready taken = std::exchange(ready_[place], ready_.back()).ready;
  ready_.pop_back();
  return {taken, place};
}

Schedule::Pick Schedule::take_highest() {
  std::pop_heap(ready_.begin(), ready_.end(), lower);
  const Ready highest = ready_.back().ready;
  ready_.pop_back();
  if (--picks_left_ == 0) {
    picks_left_ = 1 + random_.below(2 * kSinkEvery);
    ranks_[highest.actor] = --lowest_;  // below all drawn ranks, and below all earlier sunk ranks
  }
  return {highest, 0};
}

std::uint64_t Schedule::rank(ActorNumber actor) {
  if (actor >= ranks_.size()) ranks_.resize(actor + 1, 0);
  if (ranks_[actor] == 0) ranks_[actor] = kRanks + random_.below(kRanks);
  return ranks_[actor];
}

std::size_t Schedule::place_but_for_starving() {
  if (picks_left_ == 0) {
    picks_left_ = 1 + random_.below(2 * kStarvePicks);
    starving_ = ready_[random_.below(ready_.size())].ready.actor;
  }
  --picks_left_;
  if (ready_.size() == 1) return 0;
  const std::size_t place = random_.below(ready_.size());
  if (ready_[place].ready.actor != starving_) return place;
  // Any other actor will do; the next is as random as this actor was.
  return (place + 1) % ready_.size();
}

}  // namespace troupe::sim
