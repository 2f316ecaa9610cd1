#include "runtime/actor/alarms.hpp"

#include <algorithm>

#include "runtime/actor/rest.hpp"

namespace troupe::runtime {

void Alarms::sound(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
                   std::string_view what, std::uint64_t lately) {
  if (rest_ != nullptr) rest_->stir();
  const std::lock_guard hold(lock_);
  ++counts_[static_cast<std::size_t>(alarm)];
  Sounded& one = entry(alarm, subject);
  one.times += 1;
  one.lately = lately;
  one.note(length, now, what);
}

void Alarms::lasts(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
                   std::string_view what) {
  if (rest_ != nullptr) rest_->stir();
  const std::lock_guard hold(lock_);
  Sounded& one = entry(alarm, subject);
  one.times = std::max<std::uint64_t>(one.times, 1);  // newer subjects may have replaced it since
  one.note(length, now, what);
}

void Sounded::note(base::Duration length, base::Instant now, std::string_view about) {
  last = now;
  if (length >= worst) what = about;
  worst = std::max(worst, length);
}

Sounded& Alarms::entry(Alarm alarm, std::string_view subject) {
  auto known =
      std::ranges::find_if(all_, [&](const Sounded& one) { return one.alarm == alarm && one.subject == subject; });
  if (known == all_.end()) {
    const auto of_alarm = [&](const Sounded& one) { return one.alarm == alarm; };
    if (std::ranges::count_if(all_, of_alarm) >= static_cast<std::ptrdiff_t>(kSubjectsMax)) {
      auto oldest = all_.end();
      for (auto one = all_.begin(); one != all_.end(); ++one)
        if (of_alarm(*one) && (oldest == all_.end() || one->last < oldest->last)) oldest = one;
      all_.erase(oldest);
    }
    known = all_.insert(all_.end(), Sounded{.alarm = alarm, .subject = std::string(subject)});
  }
  return *known;
}

std::vector<Sounded> Alarms::since(base::Instant since) const {
  std::vector<Sounded> out;
  const std::lock_guard hold(lock_);
  std::ranges::copy_if(all_, std::back_inserter(out), [&](const Sounded& one) { return one.last >= since; });
  return out;
}

std::uint64_t Alarms::count(Alarm alarm) const {
  const std::lock_guard hold(lock_);
  return counts_[static_cast<std::size_t>(alarm)];
}

}  // namespace troupe::runtime
