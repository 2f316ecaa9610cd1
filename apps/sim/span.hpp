#pragma once
// Spans of virtual time as people write and read them: "12.4s", "200us", "30m".
//
// Settings take whole numbers only (runtime/config/forms.hpp); the moments of a world are finer than its seconds.
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/time.hpp"

namespace troupe::apps {

/// Exact, in the unit that reads best. `span` is not negative.
std::string span_text(base::Duration span);

/// A decimal number and h, m, s, ms, us or ns. Nothing for anything else, less than a nanosecond, or too long.
std::optional<base::Duration> parse_span(std::string_view text);

}  // namespace troupe::apps
