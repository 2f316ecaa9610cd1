#pragma once
// The Disk port on Linux: files below one directory, which is opened once.
//
// Safety   every part of a path is opened relative to the part before it, without following symbolic links, so that no
//          name leads out of the root. Files have mode 0600, or 0555 once they are shown, directories 0700. The root
//          itself may be a link.
// Files    only regular files: a pipe or device below the root is `denied`, because it could block forever.
// Locks    flock(2): only one DiskLock per file exists, among all processes and within this process.
// Lost     lost() reports a file open for writing, a lock, or the root, if another program removed or replaced its name
//          (names_in_use.hpp). The names of files that were only read are not checked.
// Threads  like the port: any call from any thread.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <memory>
#include <string>

#include "runtime/os/descriptor.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::os {

/// Opens the directory `root`, created (0700) with its parents if absent. The disk keeps it open, so that no call
/// follows a renamed directory; lost() detects a rename.
/// Errors: `denied` if it is not a directory or this user may not use it.
ports::DiskResult<std::unique_ptr<ports::Disk>> open_disk(const std::string& root);

/// Does the same; also `denied` unless the directory is_own(), because another user could replace its contents.
ports::DiskResult<std::unique_ptr<ports::Disk>> open_own_disk(const std::string& root);

/// Returns a file, opened elsewhere, for reading.
std::unique_ptr<ports::File> file_of(Descriptor open);

/// Returns the bytes that may still be written. A device may run out of files first, as most ext4 devices with small
/// files do. So the result is at most kFileTakes bytes for each file that the device can still create, and a reserve of
/// bytes also reserves files. A device that reports no file limit (btrfs) can create files while it has space.
std::uint64_t free_of(const struct statvfs& device);
inline constexpr std::uint64_t kFileTakes = std::uint64_t{64} << 10;  // our choice: above ext4's ratio of 16 KiB

/// Whether this user or root owns the directory, and only they may write to it.
bool is_own(const struct stat& directory);

}  // namespace troupe::os
