#pragma once
// The Disk port on Linux: files below one directory, which is opened once.
//
// Safety   every part of a path is opened relative to the one before it, without following symbolic links, so that
//          no name leads out of the root. Files are 0600, or 0555 once they are shown, directories 0700. The root
//          itself may be a link.
// Files    only regular ones: a pipe or device below the root is `denied`, it could block for ever.
// Locks    flock(2): one holder a file among all processes, and within one process.
// Lost     a file that is open to write or a lock, whose name somebody else removed or replaced (names_in_use.hpp);
//          and the root. The name of a file that was only read is not checked.
// Threads  as the port says: any call from any thread.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <memory>
#include <string>

#include "runtime/os/descriptor.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::os {

/// Opens the directory `root`, made (0700) with its parents if absent. The disk holds it open, so that a rename of the
/// directory leads no call elsewhere; lost() finds it.
/// Errors: `denied` if it is not a directory or not ours to use.
ports::DiskResult<std::unique_ptr<ports::Disk>> open_disk(const std::string& root);

/// The same; also `denied` unless the directory is_own(): another user could replace what is in it.
ports::DiskResult<std::unique_ptr<ports::Disk>> open_own_disk(const std::string& root);

/// A file that was opened elsewhere, to be read.
std::unique_ptr<ports::File> file_of(Descriptor open);

/// Bytes that may still be written. A device may run out of files first, as most of ext4 do where they are small: each
/// that it can still make is taken for kFileTakes bytes, so that what leaves room for others leaves them files, too.
/// One that tells of no files (btrfs) makes as many as it has room for.
std::uint64_t free_of(const struct statvfs& device);
inline constexpr std::uint64_t kFileTakes = std::uint64_t{64} << 10;  // our choice: above what ext4 is made for, 16 KiB

/// Whether no user but this one and root owns the directory or may write to it.
bool is_own(const struct stat& directory);

}  // namespace troupe::os
