#pragma once
// A file or standard input, read as the caller from its beginning to its end.
//
// Change  a regular file whose size, time of change or place on the device differs at the end from what it was at the
//         beginning, or of which more or less was read than its size: its bytes belong to no one moment.
//         A file without a size (/proc) is taken as it is read.
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
  /// "-" is standard input. Fails with the words of the system: nothing there, not allowed, a directory.
  /// A named pipe need not have a writer yet: it waits() like one that is silent.
  static base::Result<FileSource, Failure> open(const std::string& path);

  /// The last part of the path; empty for standard input.
  const std::string& name() const { return name_; }
  /// How many bytes there will be; zero if that is not known.
  std::uint64_t bytes() const { return regular_ ? static_cast<std::uint64_t>(begun_.st_size) : 0; }
  /// Whether a read may wait for another process, which may never write.
  bool waits() const { return !regular_; }
  int descriptor() const { return descriptor_; }

  /// The next bytes: all that `out` has room for from a regular file, what is there from anything else. Zero at the
  /// end, once the file is known not to have changed. Fails if it has, or if the device does.
  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> out);

 private:
  FileSource(const std::string& path, os::Descriptor owned, int descriptor);

  bool changed() const;
  Failure failure(const char* what, int number) const;

  std::string path_;
  std::string name_;
  os::Descriptor owned_;  // none of standard input
  int descriptor_ = -1;
  struct stat begun_ {};
  bool regular_ = false;
};

/// What the caller's own file system says, in words and with an exit: a file that is not there is `not_found`, one
/// that is denied `refused`, a full device `no_space`, all else `internal`.
base::Error system_error(const std::string& what, int number);

}  // namespace troupe::apps
