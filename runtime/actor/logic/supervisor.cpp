#include "runtime/actor/logic/supervisor.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::runtime::logic {

Supervision::Supervision(RestartPolicy policy) : policy_(policy) {
  base::ensure(policy.backoff_min > base::Duration::zero(), "a restart waits: an endless loop of failures is not fed");
  base::ensure(policy.backoff_min <= policy.backoff_max, "the shortest back-off is at most the longest");
}

base::Result<void, SupervisionError> Supervision::child_added(ChildId id, OnFailure on_failure) {
  if (children_.contains(id)) return SupervisionError::already_known;
  if (children_.size() >= kChildrenMax) return SupervisionError::too_many;
  children_.emplace(id, Child{++order_, on_failure, std::nullopt, base::Duration::zero(), std::nullopt});
  by_order_.emplace(order_, id);
  return {};
}

bool Supervision::child_ended(ChildId id) {
  const auto found = children_.find(id);
  if (found == children_.end()) return false;
  by_order_.erase(found->second.order);
  children_.erase(found);
  return true;
}

std::optional<Decision> Supervision::child_failed(ChildId id, base::Instant now, base::Random& random) {
  const auto found = children_.find(id);
  if (found == children_.end()) return std::nullopt;
  Child& failed = found->second;
  if (failed.restarts_at && now < *failed.restarts_at) return std::nullopt;
  if (failed.on_failure == OnFailure::escalate) return Escalate{};
  if (failed.on_failure == OnFailure::stop) {
    child_ended(id);
    return Stop{id};
  }
  while (!failures_.empty() && now - failures_.front() >= policy_.window) failures_.pop_front();
  if (failures_.size() >= policy_.restarts_max) return Escalate{};
  failures_.push_back(now);

  failed.backoff = next_backoff(failed, now);
  const auto half = static_cast<std::uint64_t>(failed.backoff.count()) / 2;
  const auto after = failed.backoff - base::Duration(static_cast<std::int64_t>(random.below(half + 1)));
  failed.back_at = now + after;
  Restart restart{concerned_by(failed), after};
  for (const ChildId child : restart.children) children_.at(child).restarts_at = now + after;
  return restart;
}

std::vector<ChildId> Supervision::concerned_by(const Child& failed) const {
  auto from = by_order_.begin();
  auto to = by_order_.end();
  if (policy_.strategy != Strategy::all_for_one) from = by_order_.find(failed.order);
  if (policy_.strategy == Strategy::one_for_one) to = std::next(from);
  std::vector<ChildId> out;
  for (; from != to; ++from) out.push_back(from->second);
  return out;
}

base::Duration Supervision::next_backoff(const Child& child, base::Instant now) const {
  const bool quiet = !child.back_at || now - *child.back_at >= policy_.window;
  if (quiet) return policy_.backoff_min;
  return child.backoff > policy_.backoff_max / 2 ? policy_.backoff_max : child.backoff * 2;
}

}  // namespace troupe::runtime::logic
