#pragma once
// Reads a file or standard input from its beginning to its end.
//
// Change  reading a regular file fails if its size, change time or inode differs at the end, or if the number of bytes
//         read differs from its size: the bytes would not be the file at one point in time. A file without a size
//         (/proc) is accepted as it is read.
// Owner   one reader, once; blocks on the device.
#include <sys/stat.h>

#include <span>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::apps {

class FileSource {
 public:
  /// Opens a file; "-" is standard input. Fails with the error of the system: not found, not allowed, a directory. A
  /// named pipe need not have a writer yet: reading it waits, as for a silent writer.
  static base::Result<FileSource, Failure> open(const std::string& path);

  /// Returns the last part of the path; empty for standard input.
  const std::string& name() const { return name_; }
  /// Returns the number of bytes, or zero if it is not known.
  std::uint64_t bytes() const { return regular_ ? static_cast<std::uint64_t>(begun_.st_size) : 0; }
  /// Whether a read may wait for another process, which may never write.
  bool waits() const { return !regular_; }
  int descriptor() const { return descriptor_; }

  /// Reads the next bytes: from a regular file as many as `out` can take, otherwise those available. Returns zero at
  /// the end, once the file is known to be unchanged. Fails if it has changed, or if the device fails.
  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> out);

 private:
  FileSource(const std::string& path, os::Descriptor owned, int descriptor);

  bool changed() const;
  Failure failure(const char* what, int number) const;

  std::string path_;
  std::string name_;
  os::Descriptor owned_;  // not valid for standard input
  int descriptor_ = -1;
  struct stat begun_ {};
  bool regular_ = false;
};

/// Returns the error of the caller's file system: `not_found` for a missing file, `refused` if access is denied,
/// `no_space` for a full device, otherwise `internal`.
base::Error system_error(const std::string& what, int number);

}  // namespace troupe::apps
