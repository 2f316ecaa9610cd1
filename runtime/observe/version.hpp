#pragma once
#include <string_view>

namespace troupe::observe {

/// Returns the version of this program, "0.1.0".
std::string_view version();

}  // namespace troupe::observe
