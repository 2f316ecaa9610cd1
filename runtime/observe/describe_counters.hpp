#pragma once
// Writes a table of counters into the state that an actor describes. Separate from counter_table.hpp, because few
// source files need Cap'n Proto's dynamic types.
#include <capnp/dynamic.h>

#include "runtime/observe/counter_table.hpp"

namespace troupe::observe {

/// Sets the fields that the rows name. A field that the struct lacks is a broken invariant.
void describe(const CounterTable& table, capnp::DynamicStruct::Builder to);

}  // namespace troupe::observe
