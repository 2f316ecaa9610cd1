#pragma once
// Sends descriptors through a local socket to another process.
#include <optional>

#include "runtime/os/descriptor.hpp"

namespace troupe::os {

/// Sends one byte with a copy of `descriptor`. Returns false if the other end is gone.
bool pass(int through, int descriptor);
/// Waits for a byte that pass() sent, and returns its descriptor. Returns nullopt at the end of the stream, or if the
/// byte has no descriptor.
std::optional<Descriptor> receive_passed(int through);

}  // namespace troupe::os
