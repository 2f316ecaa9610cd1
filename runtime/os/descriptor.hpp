#pragma once
// The settings of the process that sockets need; the descriptor itself is that of runtime/base.
#include <cstdint>

#include "runtime/base/descriptor.hpp"

namespace troupe::os {

using base::Descriptor;

/// Raises the soft limit of open descriptors to the hard one. Returns the limit that now holds.
std::uint64_t raise_descriptor_limit();

/// Writing to a closed stream becomes an error instead of the end of the process.
void ignore_broken_pipes();

}  // namespace troupe::os
