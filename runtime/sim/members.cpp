#include "runtime/sim/members.hpp"

#include <algorithm>
#include <cstdlib>

namespace troupe::sim {
namespace {

constexpr std::int64_t kStepMs = 120'000;  // our choice: a date that is set back by more is not reached again

}  // namespace

std::optional<std::size_t> first_serving(const Nodes& nodes, std::size_t from) {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (const std::size_t node = (from + i) % nodes.size(); nodes.serving(node)) return node;
  return std::nullopt;
}

Members::Members(const Nodes& nodes, const Scenario& scenario) : nodes_(nodes) {
  for (const Fault& fault : scenario.faults)
    if (fault.what == FaultKind::clock_step || fault.what == FaultKind::clock_off)
      stepped_ms_[fault.node] += std::abs(fault.amount);
}

void Members::are(std::size_t count) { count_ = std::min(count, nodes_.size()); }

std::size_t Members::whole() const {
  std::size_t out = 0;
  for (std::size_t node = 0; node < count_; ++node) out += nodes_.lost_data(node) ? 0 : 1;
  return out;
}

bool Members::clocks_go_on() const {
  std::size_t out = 0;
  for (std::size_t node = 0; node < count_; ++node) {
    const auto stepped = stepped_ms_.find(node);
    const bool goes_on = stepped == stepped_ms_.end() || stepped->second < kStepMs;
    out += goes_on && !nodes_.lost_data(node) ? 1 : 0;
  }
  return 2 * out > count_;
}

}  // namespace troupe::sim
