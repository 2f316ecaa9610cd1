#pragma once
// Dates for people and their logs: ISO 8601, in UTC.
#include <string>

#include "runtime/base/time.hpp"

namespace troupe::observe {

/// Returns "2026-11-20T09:30:00.125Z", rounded down.
std::string date_text(base::WallTime at);

}  // namespace troupe::observe
