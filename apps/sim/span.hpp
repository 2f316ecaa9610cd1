#pragma once
// Parses and writes spans of virtual time as people use them: "12.4s", "200us", "30m".
//
// Settings take only whole numbers (runtime/config/forms.hpp), but the times of a world are finer than seconds.
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/time.hpp"

namespace troupe::apps {

/// Returns the exact span, in the unit that reads best. `span` is not negative.
std::string span_text(base::Duration span);

/// Parses a decimal number and h, m, s, ms, us or ns. Returns nullopt for anything else, less than a nanosecond, or a
/// span that is too long.
std::optional<base::Duration> parse_span(std::string_view text);

}  // namespace troupe::apps
