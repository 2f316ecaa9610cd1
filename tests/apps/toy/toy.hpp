#pragma once
// A domain that only tests have: a shop that greets, to show that the rest of the program knows domains by their specs.
#include "actors/node/api.hpp"

namespace troupe::toy {

/// Settings `toy.greeting` and `toy.visitors_max`; a log; the source of health `toy`; the metric `toy_visitors_total`.
const node::DomainSpec& domain();

}  // namespace troupe::toy
