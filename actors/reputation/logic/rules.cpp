#include "actors/reputation/logic/rules.hpp"

#include <charconv>

namespace troupe::reputation {

std::optional<std::int8_t> delta_typed(std::string_view text) {
  if (text.starts_with("+-")) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < -kDeltaMax || out > kDeltaMax)
    return std::nullopt;
  return static_cast<std::int8_t>(out);
}

std::optional<OwnRule> own_rule(std::string_view text) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view kind = text.substr(0, at);
  const auto delta = delta_typed(text.substr(at + 1));
  if (!is_kind(kind) || fixed_delta(kind) || !delta) return std::nullopt;
  return OwnRule{std::string(kind), *delta};
}

}  // namespace troupe::reputation
