#pragma once
// A typed number to compare a field with: 10, 0.25, 50 %, 1.5s.
#include <cstdint>
#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/observe/logic/mistake.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::observe {

/// The largest typed number, without its unit; in thousandths it fits into 64 bits.
inline constexpr std::uint64_t kTypedMax = 1'000'000'000'000'000;

/// Returns the number in thousandths of the field's unit, exact: never rounded.
/// A number has digits, and up to three after a point. Without a unit it is in the field's unit. The units of a time
/// are us, ms, s, m and h, the unit of a share is %; a share without % is 0 to 1.
/// Errors: not a number, too large or too fine, or a unit that the field does not have; the position is within `typed`.
base::Result<std::uint64_t, Mistake> read_number(std::string_view typed, const Field& field);

}  // namespace troupe::observe
