#include "runtime/observe/logic/number.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string>

namespace troupe::observe {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kDecimalsMax = 3;

struct Unit {
  std::string_view name;
  std::uint64_t microseconds;
};
constexpr std::array<Unit, 5> kTimes{
    {{"us", 1}, {"ms", 1'000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}}};

/// A unit is `times` the field's unit, divided by `parts`. One of the two is 1.
struct Scale {
  std::uint64_t times;
  std::uint64_t parts;
};

std::optional<Scale> scale_of(std::string_view unit, FieldKind kind) {
  if (unit.empty()) return Scale{1, 1};
  if (kind == FieldKind::share && unit == "%") return Scale{1, 100};
  if (kind != FieldKind::milliseconds && kind != FieldKind::microseconds) return std::nullopt;
  const std::uint64_t own = kind == FieldKind::milliseconds ? 1'000 : 1;
  for (const Unit& time : kTimes)
    if (time.name == unit) return time.microseconds < own ? Scale{1, own} : Scale{time.microseconds / own, 1};
  return std::nullopt;
}

std::string units_of(const Field& field) {
  switch (field.kind) {
    case FieldKind::share: return " is a share: 0.5 or 50%";
    case FieldKind::milliseconds: return " is a time, in ms: 10 or 10ms, with us ms s m h";
    case FieldKind::microseconds: return " is a time, in us: 10 or 10us, with us ms s m h";
    default: return " is a number without a unit";
  }
}

}  // namespace

base::Result<std::uint64_t, Mistake> read_number(std::string_view typed, const Field& field) {
  const Mistake too_large{0, "the number is too large"};
  std::size_t at = 0;
  std::uint64_t value = 0;
  for (; at < typed.size() && kDigits.find(typed[at]) != std::string_view::npos; ++at) {
    value = value * 10 + static_cast<std::uint64_t>(typed[at] - '0');
    if (value > kTypedMax) return too_large;
  }
  if (at == 0) return Mistake{0, "a number is expected here: " + std::string(field.name) + units_of(field)};
  value *= 1'000;
  if (at < typed.size() && typed[at] == '.') {
    const std::size_t point = at++;
    for (std::uint64_t place = 100; at < typed.size() && kDigits.find(typed[at]) != std::string_view::npos; ++at) {
      if (at - point > kDecimalsMax) return Mistake{at, "a number has at most three digits after its point"};
      value += place * static_cast<std::uint64_t>(typed[at] - '0');
      place /= 10;
    }
    if (at == point + 1) return Mistake{at, "digits are expected after the point"};
  }
  const auto scale = scale_of(typed.substr(at), field.kind);
  if (!scale) return Mistake{at, std::string(field.name) + units_of(field)};
  if (value > std::numeric_limits<std::uint64_t>::max() / scale->times) return too_large;
  if (value % scale->parts != 0)
    return Mistake{
        0, "the number is finer than a thousandth of the unit in which " + std::string(field.name) + " is counted"};
  value = value * scale->times / scale->parts;
  if (field.kind == FieldKind::share && value > 1'000)
    return Mistake{0, std::string(field.name) + " is at most 1; did you forget the %?"};
  return value;
}

}  // namespace troupe::observe
