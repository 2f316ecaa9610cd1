#pragma once
// Where `file get` writes: standard output, or a file that has its name only once it is whole.
//
// File    the bytes go to an oddly named file beside it, which is synced and then takes the name; it replaces a file of
//         that name, whose permissions and group it takes. If this ends before commit() what was written is removed;
//         SIGKILL and a power failure leave it under the odd name.
// Others  a pipe or a device that has the name already is written directly.
// Owner   one writer, once; blocks on the device, not on a pipe: that is waited for through the Client.
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
  /// Before a write that could block: waits until there is room. Its failure ends the write.
  using WaitForRoom = base::Callback<base::Result<void, Failure>(int descriptor)>;

  /// While a named pipe has no reader: lets some time pass. Its failure ends the open.
  using WaitForReader = base::Callback<base::Result<void, Failure>()>;

  /// "-", and every name of what standard output is. To be asked before open(): a file that is replaced is another one.
  static bool is_standard_output(const std::string& path);

  /// Fails for a directory, and for a link that leads nowhere. Without `wait` also for a pipe without a reader.
  static base::Result<FileTarget, Failure> open(const std::string& path, WaitForReader wait = {});
  FileTarget(FileTarget&& other) noexcept;
  FileTarget& operator=(FileTarget&&) = delete;
  ~FileTarget();

  base::Result<void, Failure> write(std::span<const std::uint8_t> bytes, WaitForRoom& wait);

  /// All is written: makes it durable and gives it its name.
  base::Result<void, Failure> commit();

  std::uint64_t bytes() const { return written_; }
  /// The state of the file if this ends before commit().
  const char* outcome() const;

 private:
  FileTarget() = default;
  base::Result<void, Failure> open_beside(const struct stat* replaced);
  base::Result<void, Failure> open_as_it_is(bool pipe, WaitForReader& wait);
  Failure failure(int number) const;

  std::string path_;       // for people
  std::string final_;      // empty: written directly
  std::string temporary_;  // empty: there is none
  os::Descriptor owned_;
  int descriptor_ = -1;
  bool may_block_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace troupe::apps
