#include "apps/cli/command.hpp"

#include <charconv>

#include "runtime/base/ensure.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {

std::optional<std::string> Invocation::text(std::string_view name) const {
  const auto& values = all(name);
  if (values.empty()) return std::nullopt;
  return values.back();
}

std::optional<std::uint64_t> Invocation::number(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto number = config::parse_count(*value);
  base::ensure(number.has_value(), "an option that is read as a number has bounds in the table");
  return number;
}

const std::vector<std::string>& Invocation::all(std::string_view name) const {
  const auto at = values_.find(name);
  base::ensure(at != values_.end(), "a command reads only its own options and arguments");
  return at->second;
}

bool Invocation::can_be_repeated() const {
  const auto typed = values_.find("--request");
  return !request_.empty() || (typed != values_.end() && !typed->second.empty());
}

std::optional<std::uint64_t> parse_trace(std::string_view hex) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), id, 16);
  if (hex.empty() || error != std::errc() || end != hex.data() + hex.size() || id == 0) return std::nullopt;
  return id;
}

base::Result<std::string, Failure> data_directory(const Globals& globals, const Console& console) {
  if (globals.data) return *globals.data;
  if (const auto data = variable(console, "TROUPE_DATA"); data && !data->empty()) return *data;
  // A relative path in XDG_DATA_HOME must be ignored (XDG Base Directory Specification 0.8).
  if (const auto xdg = variable(console, "XDG_DATA_HOME"); xdg && xdg->starts_with('/')) return *xdg + "/troupe";
  if (const auto home = variable(console, "HOME"); home && !home->empty()) return *home + "/.local/share/troupe";
  return usage_failure("no data directory: set --data, TROUPE_DATA, XDG_DATA_HOME or HOME", "troupe --data DIR …");
}

}  // namespace troupe::apps
