#pragma once
// Decodes and encodes parts of tasks in messages.
#include "actors/task/api.hpp"

namespace troupe::task {

sandbox::Usage read(wire::TaskUsage::Reader from);

/// Returns how a program ended, without its result, or nullopt if the message is inconsistent.
std::optional<Ended> read(wire::TaskEnded::Reader from);
/// Writes the end of a program, which has exited or was ended by a signal.
void write(wire::TaskEnded::Builder to, const sandbox::Outcome& from);

}  // namespace troupe::task
