#pragma once
// Unpacks an archive into a folder of this machine: the disk's Unpacking (runtime/ports/unpacking.hpp).
//
// Safety  every entry is created in a folder that the kernel has found below the new folder without following a link
//         (openat2: RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS), and only where nothing exists (O_EXCL).
#include "runtime/os/archive_reader.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

/// Unpacks `archive` into `folder`, which is empty and open for reading.
std::unique_ptr<ports::Unpacking> unpack(std::unique_ptr<ports::File> archive, Descriptor folder);

}  // namespace troupe::os
