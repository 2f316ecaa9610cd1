#pragma once
// Where `file get` writes: standard output, or a file that gets its name only when it is complete.
//
// File    bytes go to a temporary file in the same directory. It is synced and renamed to the final name. It replaces
//         an existing file and takes its permissions and group. Unless commit() is called, the temporary file is
//         removed; SIGKILL and a power failure leave it.
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
  /// Called before a write that could block: waits until there is space. Its failure ends the write.
  using WaitForRoom = base::Callback<base::Result<void, Failure>(int descriptor)>;

  /// Called while a named pipe has no reader: waits a while. Its failure ends the open.
  using WaitForReader = base::Callback<base::Result<void, Failure>()>;

  /// Whether the path is "-" or another name of standard output. Ask before open(), because a replaced file is a
  /// different file.
  static bool is_standard_output(const std::string& path);

  /// Fails for a directory, and for a link to a missing file. Without `wait` also fails for a pipe without a reader.
  static base::Result<FileTarget, Failure> open(const std::string& path, WaitForReader wait = {});
  FileTarget(FileTarget&& other) noexcept;
  FileTarget& operator=(FileTarget&&) = delete;
  ~FileTarget();

  base::Result<void, Failure> write(std::span<const std::uint8_t> bytes, WaitForRoom& wait);

  /// Makes the complete file durable and gives it its name.
  base::Result<void, Failure> commit();

  std::uint64_t bytes() const { return written_; }
  /// Returns the state of the file if this ends before commit().
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
