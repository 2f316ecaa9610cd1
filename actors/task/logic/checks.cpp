#include "actors/task/logic/checks.hpp"

#include <algorithm>
#include <tuple>

namespace troupe::task {

void Checks::see(const base::NodeId& node, const base::AddressGroup& group, std::optional<base::Duration> judged,
                 base::Instant now, base::Random& chance) {
  if (const auto known = nodes_.find(node); known != nodes_.end()) {
    known->second.seen = now;
    known->second.walk = walks_;
    return move(known->second, group);
  }
  if (!make_room(group)) return;
  const base::Duration left = judged ? kAgain - *judged : base::Duration::zero();
  ++groups_[group];
  nodes_.emplace(node, One{.group = group,
                           .due = now + std::max(left, base::Duration::zero()) + drawn(kSpread, chance),
                           .seen = now,
                           .walk = walks_,
                           .right = judged.has_value()});
}

/// Changes the group of a node, and keeps its entry.
void Checks::move(One& one, const base::AddressGroup& group) {
  if (one.group == group) return;
  if (const auto old = groups_.find(one.group); --old->second == 0) groups_.erase(old);
  ++groups_[group];
  one.group = group;
}

std::size_t Checks::of(const base::AddressGroup& group) const {
  const auto known = groups_.find(group);
  return known == groups_.end() ? 0 : known->second;
}

/// Evicts only from larger groups for smaller ones: an evicted node comes back as a new node, so this has to end.
bool Checks::make_room(const base::AddressGroup& group) {
  if (nodes_.size() >= kNodesMax / 2 && of(group) >= kGroupMax) return false;
  if (nodes_.size() < kNodesMax) return true;
  auto most = nodes_.end();
  for (auto at = nodes_.begin(); at != nodes_.end(); ++at) {
    const One& one = at->second;
    if (one.running || one.right || one.silent == 0 || of(one.group) <= of(group) + 1) continue;
    if (most == nodes_.end() || one.silent > most->second.silent) most = at;
  }
  if (most == nodes_.end()) return false;
  forget(most);
  return true;
}

Checks::Nodes::iterator Checks::first(base::Instant now) {
  while (!begun_.empty() && begun_.front().at + std::chrono::hours(1) <= now) begun_.pop_front();
  if (begun_.size() >= limits_.per_hour) return nodes_.end();
  std::map<base::AddressGroup, std::size_t> begun_of;
  std::size_t begun_silent = 0;
  for (const Begun& one : begun_) ++begun_of[one.group], begun_silent += one.silent;
  const bool shares = begun_.size() >= limits_.per_hour - limits_.per_hour / 2;
  const std::size_t share = std::max(limits_.per_hour / base::kGroupPart, 1u);
  const bool silent_too = begun_silent < std::max(limits_.per_hour / kSilentPart, 1u);
  const auto rank = [&](const One& one) {
    const auto begun = begun_of.find(one.group);
    return std::tuple(one.silent, begun == begun_of.end() ? 0 : begun->second, one.due);
  };
  auto out = nodes_.end();
  for (auto at = nodes_.begin(); at != nodes_.end(); ++at) {
    const One& one = at->second;
    if (one.running || now < one.due || (one.silent > 0 && !silent_too)) continue;
    if (const auto begun = begun_of.find(one.group); shares && begun != begun_of.end() && begun->second >= share)
      continue;
    if (out == nodes_.end() || rank(one) < rank(out->second)) out = at;
  }
  return out;
}

std::optional<base::NodeId> Checks::next(base::Instant now) {
  if (under_way_ >= limits_.at_once) return std::nullopt;
  const auto one = first(now);
  if (one == nodes_.end()) return std::nullopt;
  one->second.running = true;
  ++under_way_;
  begun_.push_back({now, one->second.group, one->second.silent > 0});
  return one->first;
}

void Checks::ended(const base::NodeId& node, Ending ending, base::Instant now, base::Random& chance) {
  const auto at = nodes_.find(node);
  if (at == nodes_.end() || !at->second.running) return;
  One& one = at->second;
  one.running = false;
  --under_way_;
  switch (ending) {
    case Ending::right: one.due = now + kAgain + drawn(kAgainSpread, chance); break;
    case Ending::wrong: one.due = now + kAgainWrong; break;
    case Ending::nothing: {
      constexpr std::uint32_t kDoublings = 10;  // more than there are between kRetryMin and kRetryMax
      const base::Duration wait =
          std::min<base::Duration>(base::Duration(kRetryMin) * (1 << std::min(one.silent, kDoublings)), kRetryMax);
      one.due = now + wait / 2 + drawn(wait / 2, chance);
      break;
    }
  }
  one.silent = ending == Ending::nothing ? one.silent + 1 : 0;
  one.right = one.right || ending == Ending::right;
}

void Checks::again(const base::NodeId& node, base::Instant now) {
  if (const auto at = nodes_.find(node); at != nodes_.end()) at->second.due = now + kRetryMin;
}

void Checks::forget(base::Instant now) {
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    const auto one = at++;
    const bool missed = walks_ - one->second.walk > kWalksMissed;
    if (!one->second.running && one->second.seen + kForgetAfter <= now && missed) forget(one);
  }
}

void Checks::forget(Nodes::iterator one) {
  const auto group = groups_.find(one->second.group);
  if (--group->second == 0) groups_.erase(group);
  nodes_.erase(one);
}

}  // namespace troupe::task
