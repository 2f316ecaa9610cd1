#include "apps/sim/span.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "runtime/base/ensure.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  base::Duration one;
  base::Duration from;  // spans of at least this are written in it,
  bool whole;           // if it divides them
};
constexpr std::array kUnits{
    Unit{"h", 1h, 1h, true},  Unit{"m", 1min, 10min, true},  // "60s" and "300s" compare with each other
    Unit{"s", 1s, 1s, false}, Unit{"ms", 1ms, 1ms, false},  Unit{"us", 1us, 1us, false}, Unit{"ns", 1ns, 0ns, true},
};
constexpr std::size_t kDecimalsMax = 9;

/// Returns the digits after the point: `rest` of `one`, a power of ten.
std::string decimals(std::uint64_t rest, std::uint64_t one) {
  std::string out = rest == 0 ? "" : ".";
  while (rest != 0) {
    one /= 10;
    out += static_cast<char>('0' + rest / one);
    rest %= one;
  }
  return out;
}

}  // namespace

std::string span_text(base::Duration span) {
  base::ensure(span >= 0ns, "a span that is written is not negative");
  if (span == 0ns) return "0s";
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) {
    return span >= one.from && (!one.whole || span % one.one == 0ns);
  });
  return std::to_string(span / unit->one) +
         decimals(static_cast<std::uint64_t>((span % unit->one).count()),
                  static_cast<std::uint64_t>(unit->one.count())) +
         std::string(unit->name);
}

std::optional<base::Duration> parse_span(std::string_view text) {
  const auto number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, number_end);
  const auto unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == text.substr(number_end); });
  if (unit == kUnits.end()) return std::nullopt;

  const auto point = number.find('.');
  const auto whole = config::parse_count(number.substr(0, point));
  const std::string_view digits = point == number.npos ? "0" : number.substr(point + 1);
  const auto fraction = config::parse_count(digits);
  if (!whole || !fraction || digits.size() > kDecimalsMax) return std::nullopt;

  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<base::Duration::rep>::max());
  const auto one = static_cast<std::uint64_t>(unit->one.count());
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  if (*whole > kMax / one || *fraction > kMax / one || *fraction * one % scale != 0) return std::nullopt;
  const std::uint64_t rest = *fraction * one / scale;
  if (*whole * one > kMax - rest) return std::nullopt;
  return base::Duration(static_cast<base::Duration::rep>(*whole * one + rest));
}

}  // namespace troupe::apps
