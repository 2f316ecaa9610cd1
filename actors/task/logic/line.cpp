#include "actors/task/logic/line.hpp"

#include <algorithm>

namespace troupe::task {

Used& Used::operator+=(const Used& more) {
  slots += more.slots;
  descriptors += more.descriptors;
  pids += more.pids;
  memory += more.memory;
  return *this;
}

Used& Used::operator-=(const Used& less) {
  slots -= less.slots;
  descriptors -= less.descriptors;
  pids -= less.pids;
  memory -= less.memory;
  return *this;
}

bool Used::fits(const Used& more, const Used& most) const {
  const auto fit = [](std::uint64_t used, std::uint64_t one, std::uint64_t all) {
    return used <= all && one <= all - used;
  };
  return fit(slots, more.slots, most.slots) && fit(descriptors, more.descriptors, most.descriptors) &&
         fit(pids, more.pids, most.pids) && fit(memory, more.memory, most.memory);
}

Line::Line(const Used& used, const Used& most, const Used& head, std::vector<Running> running, base::Instant now)
    : most_(most), used_(used) {
  std::ranges::sort(running, {}, &Running::ends);
  for (const Running& one : running) {
    if (one.ends <= now) continue;
    used_ -= one.used;
    if (!used_.fits(head, most_)) continue;
    used_ += head;
    promised_ = one.ends;
    return;
  }
}

bool Line::lets_pass(const Running& one) const { return ends_before_head(one) || used_.fits(one.used, most_); }

void Line::passed(const Running& one) {
  if (!ends_before_head(one)) used_ += one.used;
}

}  // namespace troupe::task
