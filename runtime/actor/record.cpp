#include "runtime/actor/record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace troupe::runtime {
namespace {

constexpr std::uint32_t kWindowMs = 1'000;
constexpr std::uint32_t kBehindMs = 60'000;
constexpr double kMinute = 60.0;
constexpr auto kRelaxed = std::memory_order_relaxed;

std::uint32_t milliseconds(base::Instant at) {
  return static_cast<std::uint32_t>(at.since_origin().count() / 1'000'000);
}

/// Returns zero if `at` is before `since`: a scan of many actors reads the time before some of them close a window.
/// Also zero for a time within kBehindMs below 2^32.
std::uint32_t passed(std::uint32_t at, std::uint32_t since) {
  const std::uint32_t length = at - since;
  return length > std::numeric_limits<std::uint32_t>::max() - kBehindMs ? 0 : length;
}

/// Returns the remaining weight of an average over a minute after that time.
double kept_after(double seconds) { return std::exp(-seconds / kMinute); }

}  // namespace

Head Record::head(base::Instant now) const {
  const auto number = mark_number.load(std::memory_order_acquire);
  const auto since = mark_time.load(kRelaxed);
  if (since == 0 || number < handled.load(kRelaxed)) return {};
  const base::Duration age = now.since_origin() - base::Duration(since);
  return {mark_kind.load(kRelaxed), mark_from.load(kRelaxed), std::max(age, base::Duration::zero())};
}

void Record::end_turn(base::Instant at, base::Duration length) {
  if (length <= base::Duration::zero()) return;
  // The next turn may have begun on another thread.
  busy_nanos.fetch_add(static_cast<std::uint64_t>(length.count()), kRelaxed);
  turned_ms.store(milliseconds(at), kRelaxed);
}

void Record::begin_turn(base::Instant at) {
  const std::uint32_t now = milliseconds(at);
  const std::uint32_t length = now - latest.at_ms.load(kRelaxed);
  if (length < kWindowMs) return turned_ms.store(now, kRelaxed);
  const Rates average = minute(at);  // before turned_ms changes: it uses the end of the last turn
  minute_rate.store(static_cast<float>(average.per_second), kRelaxed);
  minute_busy.store(static_cast<float>(average.busy), kRelaxed);
  turned_ms.store(now, kRelaxed);
  const auto handled_now = static_cast<std::uint32_t>(done());
  const auto busy_now = static_cast<std::uint32_t>(busy_nanos.load(kRelaxed) / 1'000'000);
  const std::uint32_t busy = busy_now - latest.busy_ms.load(kRelaxed);
  // After a silence its last second is the window, because older messages say nothing about now. A handler that took as
  // long is not a silence.
  const bool silent = length >= 2 * kWindowMs && busy < length / 2;
  before.at_ms.store(silent ? now - kWindowMs : latest.at_ms.load(kRelaxed), kRelaxed);
  before.handled.store(silent ? handled_now : latest.handled.load(kRelaxed), kRelaxed);
  before.busy_ms.store(silent ? busy_now : latest.busy_ms.load(kRelaxed), kRelaxed);
  latest.at_ms.store(now, kRelaxed);
  latest.handled.store(handled_now, kRelaxed);
  latest.busy_ms.store(busy_now, kRelaxed);
}

void Record::sample(base::Duration length) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count() / 1'000, 1));
  const auto place = std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(micros)) - 1, kBuckets - 1);
  const std::uint8_t full = 255;
  if (histogram[place].load(kRelaxed) == full)
    for (auto& bucket : histogram) bucket.store(bucket.load(kRelaxed) / 2, kRelaxed);
  histogram[place].store(static_cast<std::uint8_t>(histogram[place].load(kRelaxed) + 1), kRelaxed);
}

Rates Record::rates(base::Instant now, std::optional<base::Instant> turn) const {
  const std::uint32_t at = milliseconds(now);
  if (!turn && passed(at, turned_ms.load(kRelaxed)) >= kWindowMs) return {};  // nothing in the last second
  const std::uint32_t closed = latest.at_ms.load(kRelaxed);
  const std::uint32_t open_for = passed(at, closed);
  const Window& from = open_for >= kWindowMs ? latest : before;
  const std::uint32_t length = open_for >= kWindowMs ? open_for : open_for + (closed - before.at_ms.load(kRelaxed));
  if (length == 0) return {};
  const auto count = static_cast<std::uint32_t>(done()) - from.handled.load(kRelaxed);
  const auto busy = static_cast<std::uint32_t>(busy_nanos.load(kRelaxed) / 1'000'000) - from.busy_ms.load(kRelaxed) +
                    (turn ? passed(at, milliseconds(*turn)) : 0);
  return {count * 1'000.0 / length, std::min(1.0, static_cast<double>(busy) / length)};
}

Rates Record::minute(base::Instant now, std::optional<base::Instant> turn) const {
  // Messages since the window began count as if evenly spread until the last turn, then decay.
  const std::uint32_t at = milliseconds(now), from = latest.at_ms.load(kRelaxed);
  const std::uint32_t last = turn ? at : turned_ms.load(kRelaxed);
  const double active = std::max(passed(last, from), 1u) / 1'000.0;
  const double idle = passed(at, last) / 1'000.0;
  const auto count = static_cast<std::uint32_t>(done()) - latest.handled.load(kRelaxed);
  const auto busy = static_cast<std::uint32_t>(busy_nanos.load(kRelaxed) / 1'000'000) - latest.busy_ms.load(kRelaxed) +
                    (turn ? passed(at, milliseconds(*turn)) : 0);
  const double kept = kept_after(active);
  const auto blend = [&](float earlier, double rate) {
    return (earlier * kept + rate * (1 - kept)) * kept_after(idle);
  };
  return {blend(minute_rate.load(kRelaxed), count / active),
          std::min(1.0, blend(minute_busy.load(kRelaxed), std::min(1.0, busy / 1'000.0 / active)))};
}

base::Duration Record::starved(base::Instant now) const {
  const std::uint32_t since = starved_ms.load(kRelaxed);
  return std::chrono::milliseconds(since == 0 ? 0 : passed(milliseconds(now), since));
}

void Record::restarted(base::Instant at) {
  restarts.fetch_add(1, kRelaxed);
  restarted_ms.store(milliseconds(at), kRelaxed);
}

base::Duration Record::since_restart(base::Instant now) const {
  if (restarts.load(kRelaxed) == 0) return base::Duration::max();
  return std::chrono::milliseconds(passed(milliseconds(now), restarted_ms.load(kRelaxed)));
}

base::Duration Record::quantile(unsigned percent) const {
  std::uint32_t all = 0;
  for (const auto& bucket : histogram) all += bucket.load(kRelaxed);
  if (all == 0) return base::Duration::zero();
  std::uint32_t left = std::max(all - all * (100 - percent) / 100, 1u);
  std::size_t place = 0;
  while (place + 1 < kBuckets && histogram[place].load(kRelaxed) < left) left -= histogram[place++].load(kRelaxed);
  return std::chrono::microseconds(std::uint64_t{2} << place);
}

}  // namespace troupe::runtime
