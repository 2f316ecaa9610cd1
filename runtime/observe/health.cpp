#include "runtime/observe/health.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::observe {

std::string_view name(HealthState state) {
  switch (state) {
    case HealthState::ok: return "ok";
    case HealthState::degraded: return "degraded";
    case HealthState::failing: return "failing";
  }
  return "failing";
}

void Health::raise(std::string_view source, HealthState state, std::string_view text) {
  if (state == HealthState::ok) return clear(source);
  const HealthReason reason{std::string(source), state, std::string(text.substr(0, kReasonBytesMax))};
  {
    const std::lock_guard lock(mutex_);
    const auto at = reasons_.find(source);
    const bool refreshed = refreshed_.erase(reason.source) > 0;
    if (at != reasons_.end() && at->second == reason && !refreshed) return;
    if (at != reasons_.end()) {
      at->second = reason;
    } else if (reasons_.size() < kReasonsMax) {
      reasons_.emplace(source, reason);
    } else {
      // Merged reasons are not stored, so it cannot be compared with an earlier reason of its source.
      if (state <= overflow_) return;
      overflow_ = state;
    }
    check();
  }
  told_(reason);
}

void Health::refresh(std::string_view source, std::string_view text) {
  const std::lock_guard lock(mutex_);
  const auto at = reasons_.find(source);
  if (at == reasons_.end()) return;
  at->second.text = text.substr(0, kReasonBytesMax);
  refreshed_.emplace(source);
}

void Health::clear(std::string_view source) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = reasons_.find(source);
    if (at == reasons_.end()) return;
    reasons_.erase(at);
    refreshed_.erase(std::string(source));
    // A source of a merged reason raises it again while its fault lasts, and gets an entry now.
    overflow_ = HealthState::ok;
    check();
  }
  told_({std::string(source), HealthState::ok, {}});
}

HealthState Health::state() const {
  const std::lock_guard lock(mutex_);
  HealthState worst = overflow_;
  for (const auto& [source, reason] : reasons_) worst = std::max(worst, reason.state);
  return worst;
}

std::vector<HealthReason> Health::reasons() const {
  const std::lock_guard lock(mutex_);
  std::vector<HealthReason> out;
  for (const auto& [source, reason] : reasons_) out.push_back(reason);
  if (overflow_ != HealthState::ok) out.push_back({"health", overflow_, "more faults than are listed"});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.state > b.state; });
  return out;
}

void Health::check() const { base::ensure(reasons_.size() <= kReasonsMax, "health keeps its limit of reasons"); }

}  // namespace troupe::observe
