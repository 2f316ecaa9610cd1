#pragma once
// One actor as a list shows it, read from its counts.
#include "messages/inspect.capnp.h"
#include "runtime/actor/registry.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::inspect {

/// `stuck`: one message has been in its handler for long. `turn`: when the turn began that it is in, if it is in one.
/// The views are constants of the program, but the path.
observe::ActorRow row_of(std::string_view path, const char* kind, const runtime::Record& record, base::Instant now,
                         bool stuck = false, std::optional<base::Instant> turn = std::nullopt);

/// The same for the wire, with what a filter does not see; `row` is of that record.
void write_row(wire::ActorRow::Builder out, const observe::ActorRow& row, const runtime::Record& record,
               base::Instant now, std::optional<base::Instant> turn);

}  // namespace troupe::inspect
