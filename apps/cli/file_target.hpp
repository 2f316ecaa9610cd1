#pragma once
// The target of `file get`: standard output, or a file that gets its name only when it is complete.
//
// File    bytes go to a temporary file in the same directory. commit() syncs it, renames it to the final name, and so
//         replaces an existing file, whose permissions and group it gets. Without commit() the temporary file is
//         removed; only SIGKILL and a power failure leave it.
// Others  an existing pipe or device is written directly.
// Owner   one writer, once; blocks on the device, but not on a pipe: it waits for a pipe through the Client.
#include <sys/stat.h>

#include <span>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/base/callback.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::apps {

class FileTarget {
 public:
  /// Called before a write that could block: waits until the pipe has space. A failure ends the write.
  using WaitForRoom = base::Callback<base::Result<void, Failure>(int descriptor)>;

  /// Called repeatedly while a named pipe has no reader: waits a moment. A failure ends open().
  using WaitForReader = base::Callback<base::Result<void, Failure>()>;

  /// Whether the path is "-" or another name of standard output. Call it before open(), because a file that replaces
  /// standard output's file is a different file.
  static bool is_standard_output(const std::string& path);

  /// Opens a target. Fails for a directory, and for a link to a missing file; without `wait` also for a pipe without a
  /// reader.
  static base::Result<FileTarget, Failure> open(const std::string& path, WaitForReader wait = {});
  FileTarget(FileTarget&& other) noexcept;
  FileTarget& operator=(FileTarget&&) = delete;
  ~FileTarget();

  base::Result<void, Failure> write(std::span<const std::uint8_t> bytes, WaitForRoom& wait);

  /// Makes the complete file durable, under its name.
  base::Result<void, Failure> commit();

  std::uint64_t bytes() const { return written_; }
  /// Returns the outcome to report if the command fails before commit().
  const char* outcome() const;

 private:
  FileTarget() = default;
  base::Result<void, Failure> open_beside(const struct stat* replaced);
  base::Result<void, Failure> open_as_it_is(bool pipe, WaitForReader& wait);
  Failure failure(int number) const;

  std::string path_;       // the path to show
  std::string final_;      // empty: written directly
  std::string temporary_;  // empty: there is no temporary file
  os::Descriptor owned_;
  int descriptor_ = -1;
  bool may_block_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace troupe::apps
