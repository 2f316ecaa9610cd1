#pragma once
// A number as it is typed to be compared with a field: 10, 0.25, 50 %, 1.5s.
#include <cstdint>
#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/observe/logic/mistake.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::observe {

/// The largest number before its unit; in thousandths it fits 64 bits.
inline constexpr std::uint64_t kTypedMax = 1'000'000'000'000'000;

/// In thousandths of the field's unit, exact: never rounded.
/// A number has digits, and up to three after a point. Without a unit it is in the field's own. A time may have one of
/// us ms s m h, a share %; a share is 0 to 1.
/// Errors: no number, too large or too fine, a unit that the field does not have; the place is one within `typed`.
base::Result<std::uint64_t, Mistake> read_number(std::string_view typed, const Field& field);

}  // namespace troupe::observe
