#include "actors/registry/logic/streak.hpp"

namespace troupe::registry {
namespace {

unsigned count(std::uint64_t& from, std::uint64_t now, std::uint64_t each) {
  if (from == 0 || now < from) return 0;
  const std::uint64_t whole = (now - from) / each;
  from += whole * each;
  return static_cast<unsigned>(whole);
}

}  // namespace

Streak::Milestones Streak::note(const Sample& sample, std::uint64_t gap_max_ms) {
  const std::uint64_t now = sample.unix_ms;
  const std::uint64_t gap = last == 0 || now < last ? UINT64_MAX : now - last;
  const bool own_gap = gap <= kOwnGapMaxMs && sample.up_ms >= gap;
  if (sample.status == Status::offline || (gap > gap_max_ms && !own_gap)) *this = {};
  last = now;
  if (sample.status == Status::offline) return {};
  if (online_from == 0) online_from = now;
  const std::uint64_t began = sample.up_ms < now ? now - sample.up_ms : 0;
  // The two clocks differ.
  if (began > online_from + gap_max_ms) online_from = began;
  if (sample.status != Status::healthy) healthy_from = 0;
  else if (healthy_from == 0) healthy_from = now;
  return {count(healthy_from, now, kHealthMilestoneMs), count(online_from, now, kUptimeMilestoneMs)};
}

}  // namespace troupe::registry
