#include "runtime/http/message.hpp"

#include <algorithm>
#include <boost/beast/core.hpp>

namespace troupe::http {

bool same_name(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

std::optional<std::string_view> Head::header(std::string_view name) const {
  for (const auto& [known, value] : headers)
    if (same_name(known, name)) return value;
  return std::nullopt;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const auto& header) { return same_name(header.first, name); }));
}

}  // namespace troupe::http
