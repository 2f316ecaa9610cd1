#pragma once
// Parts of tasks as messages carry them.
#include "actors/task/api.hpp"

namespace troupe::task {

sandbox::Usage read(wire::TaskUsage::Reader from);

/// How a program ended, without its answer. Nothing if that makes no sense.
std::optional<Ended> read(wire::TaskEnded::Reader from);
/// Of an outcome that has exited, or was ended by a signal.
void write(wire::TaskEnded::Builder to, const sandbox::Outcome& from);

}  // namespace troupe::task
