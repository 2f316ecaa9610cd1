#pragma once
// A figure of a reference program as a line of JSON, with the fields of `troupe bench --json`.
#include <string>

#include "apps/bench/figure.hpp"

namespace troupe::bench {

/// Every field is present, null where it was not measured.
std::string json(const Figure& figure);

}  // namespace troupe::bench
