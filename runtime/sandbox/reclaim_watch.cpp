#include "runtime/sandbox/reclaim_watch.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sandbox {
namespace {

constexpr int kSlowPart = 2;                                    // our choice: of the time
constexpr base::Duration kSlowMost = std::chrono::seconds{1};   // our choice
constexpr base::Duration kSinceMost = std::chrono::seconds{1};  // a launcher that was stopped has seen nothing

}  // namespace

bool ReclaimWatch::is_slow(base::Duration waited, base::Instant now) {
  const bool first = looked_ == base::Instant();
  const auto since = std::min<base::Duration>(now - std::exchange(looked_, now), kSinceMost);
  const auto more = std::min<base::Duration>(waited - std::exchange(waited_, waited), since) * cores_;
  if (first) return false;
  beyond_ = std::max(beyond_ + std::min(more, since) - since / kSlowPart, base::Duration::zero());
  if (beyond_ < kSlowMost) return false;
  beyond_ = kSlowMost / 2;
  return true;
}

std::vector<std::uint64_t> those_beyond(std::uint64_t most, std::vector<Mapped> programs) {
  std::ranges::sort(programs, {}, &Mapped::bytes);
  std::uint64_t sum = 0;
  for (const Mapped& one : programs) sum += one.bytes;
  std::vector<std::uint64_t> out;
  for (; sum > most && !programs.empty(); programs.pop_back()) {
    sum -= programs.back().bytes;
    out.push_back(programs.back().program);
  }
  return out;
}

}  // namespace troupe::sandbox
