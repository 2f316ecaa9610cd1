#include "actors/task/logic/checks.hpp"

#include <algorithm>

namespace troupe::task {

void Checks::see(const base::NodeId& node, std::optional<base::Duration> judged, base::Instant now,
                 base::Random& chance) {
  if (const auto known = nodes_.find(node); known != nodes_.end()) {
    known->second.seen = now;
    return;
  }
  if (nodes_.size() >= kNodesMax) return;
  const base::Duration left = judged ? kAgain - *judged : base::Duration::zero();
  nodes_.emplace(node, One{.due = now + std::max(left, base::Duration::zero()) + drawn(kSpread, chance), .seen = now});
}

std::optional<base::NodeId> Checks::next(base::Instant now) {
  while (!begun_.empty() && begun_.front() + std::chrono::hours(1) <= now) begun_.pop_front();
  if (under_way_ >= limits_.at_once || begun_.size() >= limits_.per_hour) return std::nullopt;
  auto first = nodes_.end();
  for (auto at = nodes_.begin(); at != nodes_.end(); ++at)
    if (!at->second.running && (first == nodes_.end() || at->second.due < first->second.due)) first = at;
  if (first == nodes_.end() || now < first->second.due) return std::nullopt;
  first->second.running = true;
  ++under_way_;
  begun_.push_back(now);
  return first->first;
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
      constexpr std::uint32_t kDoublings = 10;  // more than lie between the two
      const base::Duration wait =
          std::min<base::Duration>(base::Duration(kRetryMin) * (1 << std::min(one.silent, kDoublings)), kRetryMax);
      one.due = now + wait / 2 + drawn(wait / 2, chance);
      break;
    }
  }
  one.silent = ending == Ending::nothing ? one.silent + 1 : 0;
}

void Checks::again(const base::NodeId& node, base::Instant now) {
  if (const auto at = nodes_.find(node); at != nodes_.end()) at->second.due = now + kRetryMin;
}

void Checks::forget(base::Instant now) {
  std::erase_if(nodes_, [&](const auto& one) { return !one.second.running && one.second.seen + kForgetAfter <= now; });
}

}  // namespace troupe::task
