#include "actors/task/malice.hpp"

#include <algorithm>

#include "actors/task/logic/warning.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

constexpr char kElsewhere = '+';

}  // namespace

Malice::Malice(runtime::Actor& owner, const TaskSettings& settings)
    : refused_for_(settings.malice_refused),
      rows_(owner, settings.rows(kMaliceRows, "the submitters whose programs were malicious")) {}

void Malice::start() {
  rows_.load([this](base::ByteView key, base::ByteView value) { return take(key, value); },
             [](const base::Outcome<void>&) {});
}

store::Use Malice::take(base::ByteView key, base::ByteView value) {
  const auto node = base::NodeId::from(key);
  if (!node || value.size() < sizeof(std::uint64_t) || value.size() > sizeof(std::uint64_t) + 1 + kCallBytesMax)
    return store::Use::erase;
  std::string call(base::as_text(value.subspan(8)));
  const Where where = call.starts_with(kElsewhere) ? Where::elsewhere : Where::here;
  if (where == Where::elsewhere) call.erase(0, 1);
  // What was recorded since the start is newer.
  seen_.try_emplace(*node, Seen{base::load<std::uint64_t>(value), std::move(call), where});
  return store::Use::keep;
}

void Malice::note(const base::NodeId& submitter, std::string call, Where where, std::uint64_t unix_ms) {
  call.resize(std::min(call.size(), kCallBytesMax));
  if (!seen_.contains(submitter)) make_room();
  base::Bytes value;
  base::append_number(value, unix_ms);
  if (where == Where::elsewhere) value.push_back(kElsewhere);
  base::append(value, base::as_bytes(call));
  seen_.insert_or_assign(submitter, Seen{unix_ms, std::move(call), where});
  store::RowChange change;
  change.save.push_back({{submitter.bytes.begin(), submitter.bytes.end()}, std::move(value)});
  rows_.write(std::move(change), [](const base::Outcome<void>&) {});
}

void Malice::make_room() {
  if (seen_.size() < kMaliciousMax) return;
  const auto first =
      std::ranges::min_element(seen_, std::ranges::less(), [](const auto& one) { return one.second.unix_ms; });
  store::RowChange change;
  change.erase.push_back({first->first.bytes.begin(), first->first.bytes.end()});
  seen_.erase(first);
  rows_.write(std::move(change), [](const base::Outcome<void>&) {});
}

std::optional<base::Error> Malice::refusal(const base::NodeId& submitter, base::WallTime at) const {
  const auto found = seen_.find(submitter);
  if (found == seen_.end()) return std::nullopt;
  const std::uint64_t now = base::unix_milliseconds(at);
  const auto span = static_cast<std::uint64_t>(base::milliseconds(refused_for_));
  // A clock that was set back does not extend the refusal.
  const std::uint64_t since = now > found->second.unix_ms ? now - found->second.unix_ms : 0;
  if (since >= span) return std::nullopt;
  const char* const tried = found->second.where == Where::here
                                ? "a program of that submitter made a forbidden system call here: "
                                : "a program of that submitter made a forbidden system call at several other nodes: ";
  return base::Error{base::Code::refused, tried + found->second.call + " (task.malice_refused)",
                     std::chrono::milliseconds(std::min<std::uint64_t>(span - since, 3'600'000))};
}

bool Malice::tried_here(const base::NodeId& submitter) const {
  const auto found = seen_.find(submitter);
  return found != seen_.end() && found->second.where == Where::here;
}

}  // namespace troupe::task
