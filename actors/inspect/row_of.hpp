#pragma once
// One actor as a row of a list, from its counts.
#include "messages/inspect.capnp.h"
#include "runtime/actor/registry.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::inspect {

/// Returns the row. `stuck`: one message has been in its handler for long. `turn`: the start of its current turn, if
/// any. All views except the path are constants of the program.
observe::ActorRow row_of(std::string_view path, const char* kind, const runtime::Record& record, base::Instant now,
                         bool stuck = false, std::optional<base::Instant> turn = std::nullopt);

/// Writes the row with further fields that a filter does not see; `row` belongs to `record`.
void write_row(wire::ActorRow::Builder out, const observe::ActorRow& row, const runtime::Record& record,
               base::Instant now, std::optional<base::Instant> turn);

}  // namespace troupe::inspect
