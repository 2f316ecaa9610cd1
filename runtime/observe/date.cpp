#include "runtime/observe/date.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace troupe::observe {

std::string date_text(base::WallTime at) {
  const auto since = at.since_origin();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since - seconds).count();
  const std::time_t whole = seconds.count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(milliseconds));
  return out.data();
}

}  // namespace troupe::observe
