#pragma once
// Process settings that sockets need; the descriptor type itself is in runtime/base.
#include <cstdint>

#include "runtime/base/descriptor.hpp"

namespace troupe::os {

using base::Descriptor;

/// Raises the soft limit of open descriptors to the hard limit. Returns the new limit.
std::uint64_t raise_descriptor_limit();

/// Makes writing to a closed stream an error instead of the end of the process.
void ignore_broken_pipes();

}  // namespace troupe::os
