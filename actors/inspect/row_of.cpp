#include "actors/inspect/row_of.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/base/whole_units.hpp"

namespace troupe::inspect {
namespace {

constexpr auto kInAnyOrder = std::memory_order_relaxed;

std::string_view state_of(runtime::Activity activity, bool stuck) {
  switch (activity) {
    case runtime::Activity::running: return stuck ? "stuck" : "running";
    case runtime::Activity::waiting: return "restarting";
    case runtime::Activity::stopping: return "ending";
    case runtime::Activity::paused: return "paused";
  }
  return "unknown";
}

std::uint64_t thousandths(double value) { return static_cast<std::uint64_t>(std::llround(value * 1'000)); }

}  // namespace

observe::ActorRow row_of(std::string_view path, const char* kind, const runtime::Record& record, base::Instant now,
                         bool stuck, std::optional<base::Instant> turn) {
  const base::Code error = record.last_error.load(kInAnyOrder);
  observe::ActorRow row;
  row.path = path;
  row.kind = kind;
  row.state = state_of(record.activity.load(kInAnyOrder), stuck);
  row.mailbox = record.depth();
  if (row.mailbox > 0) row.oldest = std::chrono::duration_cast<std::chrono::milliseconds>(record.head(now).age);
  row.handled = record.done();
  if (stuck) row.busy_thousandths = 1'000;  // though its turn may have begun after the last visit
  row.restarts = record.restarts.load(kInAnyOrder);
  if (error != base::Code{}) row.last_error = base::name(error);
  row.asking = record.asking.load(kInAnyOrder);
  if (row.handled == 0 && !turn) return row;  // most of a million actors have done nothing, and each read costs time
  const runtime::Rates rates = record.rates(now, turn);
  row.per_second_thousandths = thousandths(rates.per_second);
  if (!stuck) row.busy_thousandths = thousandths(rates.busy);
  row.p99 = std::chrono::duration_cast<std::chrono::microseconds>(record.p99());
  return row;
}

void write_row(wire::ActorRow::Builder out, const observe::ActorRow& row, const runtime::Record& record,
               base::Instant now, std::optional<base::Instant> turn) {
  const runtime::Rates minute = record.minute(now, turn);
  out.setPath(std::string(row.path));
  out.setKind(std::string(row.kind));
  out.setState(std::string(row.state));
  out.setMailbox(row.mailbox);
  out.setOldestMs(static_cast<std::uint64_t>(row.oldest.count()));
  out.setHandled(row.handled);
  out.setPerSecond(static_cast<double>(row.per_second_thousandths) / 1'000);
  out.setBusy(static_cast<double>(row.busy_thousandths) / 1'000);
  out.setP99Us(static_cast<std::uint64_t>(row.p99.count()));
  if (row.p99.count() > 0) {
    out.setP50Us(base::microseconds(record.quantile(50)));
    out.setMaxUs(base::microseconds(record.quantile(100)));
  }
  out.setRestarts(static_cast<std::uint32_t>(row.restarts));
  out.setLastError(std::string(row.last_error));
  out.setPerSecondMinute(static_cast<double>(thousandths(minute.per_second)) / 1'000);
  out.setBusyMinute(static_cast<double>(thousandths(minute.busy)) / 1'000);
  out.setRefused(record.refused_full.load(kInAnyOrder));
  out.setDeadLetters(record.dead_letters.load(kInAnyOrder));
  out.setAsking(record.asking.load(kInAnyOrder));
  if (row.mailbox > 0)
    if (const auto* head = record.head(now).kind) out.setHeadKind(std::string(head->name));
}

}  // namespace troupe::inspect
