#pragma once
// An archive becomes a folder of this machine: the disk's Unpacking (runtime/ports/unpacking.hpp).
//
// Safety  every entry is made in a folder that the kernel has found below the new one without following a link
//         (openat2: RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS), and only where there was nothing (O_EXCL).
#include "runtime/os/archive_reader.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

/// Of `archive` into `folder`, which is empty and open to be read.
std::unique_ptr<ports::Unpacking> unpack(std::unique_ptr<ports::File> archive, Descriptor folder);

}  // namespace troupe::os
