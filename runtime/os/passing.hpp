#pragma once
// Descriptors that travel through a local socket to another process.
#include <optional>

#include "runtime/os/descriptor.hpp"

namespace troupe::os {

/// Sends one byte that carries a copy of `descriptor`; false if the other end is gone.
bool pass(int through, int descriptor);
/// Waits for such a byte; nothing at the end of the stream, or if the byte carries none.
std::optional<Descriptor> receive_passed(int through);

}  // namespace troupe::os
