#include "runtime/observe/logic/row.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "runtime/base/nearest.hpp"

namespace troupe::observe {
namespace {

/// A value that is too large counts as the largest, a negative value as zero.
std::uint64_t whole(std::uint64_t value) {
  return value > std::numeric_limits<std::uint64_t>::max() / 1'000 ? std::numeric_limits<std::uint64_t>::max()
                                                                   : value * 1'000;
}
template <class Unit>
std::uint64_t whole(std::chrono::duration<std::int64_t, Unit> time) {
  return whole(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)));
}

constexpr std::array<Field, 12> kFields{{
    {"path", FieldKind::text, [](const ActorRow& row) { return row.path; }, nullptr},
    {"kind", FieldKind::text, [](const ActorRow& row) { return row.kind; }, nullptr},
    {"state", FieldKind::text, [](const ActorRow& row) { return row.state; }, nullptr},
    {"mailbox", FieldKind::number, nullptr, [](const ActorRow& row) { return whole(row.mailbox); }},
    {"oldestMs", FieldKind::milliseconds, nullptr, [](const ActorRow& row) { return whole(row.oldest); }},
    {"handled", FieldKind::number, nullptr, [](const ActorRow& row) { return whole(row.handled); }},
    {"perSecond", FieldKind::number, nullptr, [](const ActorRow& row) { return row.per_second_thousandths; }},
    {"busy", FieldKind::share, nullptr, [](const ActorRow& row) { return row.busy_thousandths; }},
    {"p99Us", FieldKind::microseconds, nullptr, [](const ActorRow& row) { return whole(row.p99); }},
    {"restarts", FieldKind::number, nullptr, [](const ActorRow& row) { return whole(row.restarts); }},
    {"asking", FieldKind::number, nullptr, [](const ActorRow& row) { return whole(row.asking); }},
    {"lastError", FieldKind::text, [](const ActorRow& row) { return row.last_error; }, nullptr},
}};

/// Other names that a person may have read or may expect, and their fields. All except "rate" also in capitals.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kHeadings{{{"path", "path"},
                                                                                   {"kind", "kind"},
                                                                                   {"state", "state"},
                                                                                   {"mailbox", "mailbox"},
                                                                                   {"oldest", "oldestMs"},
                                                                                   {"handled", "handled"},
                                                                                   {"per second", "perSecond"},
                                                                                   {"rate", "perSecond"},
                                                                                   {"busy", "busy"},
                                                                                   {"p99", "p99Us"},
                                                                                   {"restarts", "restarts"},
                                                                                   {"asking", "asking"},
                                                                                   {"last error", "lastError"}}};

bool is_heading(std::string_view typed, std::string_view heading) {
  const auto capital = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return typed == heading || std::ranges::equal(typed, heading, {}, {}, capital);
}

}  // namespace

std::span<const Field> fields() { return kFields; }

const Field* find_field(std::string_view name) {
  const auto heading = std::ranges::find_if(kHeadings, [&](const auto& one) { return is_heading(name, one.first); });
  const auto found = std::ranges::find(kFields, heading == kHeadings.end() ? name : heading->second, &Field::name);
  return found == kFields.end() ? nullptr : &*found;
}

std::vector<std::string> field_list() {
  std::vector<std::string> names;
  for (const Field& field : kFields) names.emplace_back(field.name);
  return names;
}

std::string field_names() {
  std::string names;
  for (const Field& field : kFields) (names += names.empty() ? "" : ", ") += field.name;
  return names;
}

std::string_view nearest_field(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Field& field : kFields) names.push_back(field.name);
  return base::nearest(name, names);
}

}  // namespace troupe::observe
