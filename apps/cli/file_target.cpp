#include "apps/cli/file_target.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "apps/cli/file_source.hpp"
#include "apps/cli/shell_word.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

constexpr mode_t kMode = 0666;  // less the caller's umask, as for any file that a program creates
constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kPermissions = 0777;  // permissions to keep of a replaced file, without set-user-id bits

std::string directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// A name that no other process uses. It is short, because the final name may already have the maximum length.
std::string name_beside(const std::string& path) {
  os::Chance chance;
  std::array<std::uint8_t, 8> drawn{};
  chance.fill(drawn);
  return directory_of(path) + "/.troupe-" + base::hex(drawn) + ".part";
}

}  // namespace

bool FileTarget::is_standard_output(const std::string& path) {
  if (path == "-" || path == "/dev/stdout") return true;  // the second name works even if there is no such file
  struct stat there {};
  struct stat own {};
  return ::stat(path.c_str(), &there) == 0 && ::fstat(STDOUT_FILENO, &own) == 0 && there.st_dev == own.st_dev &&
         there.st_ino == own.st_ino;
}

base::Result<FileTarget, Failure> FileTarget::open(const std::string& path, WaitForReader wait) {
  FileTarget target;
  target.path_ = path;
  struct stat there {};
  if (is_standard_output(path)) {
    target.path_ = "standard output";
    target.descriptor_ = STDOUT_FILENO;
  } else if (::stat(path.c_str(), &there) != 0) {
    const int number = errno;
    const bool leads_nowhere = number == ENOENT || number == ELOOP;
    if (leads_nowhere && ::lstat(path.c_str(), &there) == 0)
      return Failure{{base::Code::refused, "cannot write " + path + ": it is a link to a file that does not exist"},
                     "nothing was written",
                     "rm " + shell_word(path) + ", or use another -o PATH"};
    if (number != ENOENT) return target.failure(number);
    target.final_ = path;
    if (auto opened = target.open_beside(nullptr); !opened.ok()) return opened.error();
  } else if (S_ISDIR(there.st_mode)) {
    return Failure{{base::Code::refused, "cannot write " + path + ": it is a directory"},
                   "nothing was written",
                   "-o " + shell_word(path + "/NAME")};
  } else if (S_ISREG(there.st_mode)) {
    // A link is kept, and the file that it points to is replaced.
    std::error_code unresolved;
    const auto real = std::filesystem::canonical(path, unresolved);
    target.final_ = unresolved ? path : real.string();
    if (auto opened = target.open_beside(&there); !opened.ok()) return opened.error();
  } else if (auto opened = target.open_as_it_is(S_ISFIFO(there.st_mode), wait); !opened.ok()) {
    return opened.error();
  }
  if (target.final_.empty()) {
    struct stat own {};
    target.may_block_ = ::fstat(target.descriptor_, &own) != 0 || !S_ISREG(own.st_mode);
  }
  return target;
}

/// `replaced` is the file to replace, if it exists. The new file gets its permissions and its group. Apart from the
/// owner, who is the caller, only users who could read the old file may read the new file.
base::Result<void, Failure> FileTarget::open_beside(const struct stat* replaced) {
  temporary_ = name_beside(final_);
  owned_ = os::Descriptor(
      ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, replaced ? kOwnerOnly : kMode));
  if (!owned_.valid()) {
    const int number = errno;
    temporary_.clear();
    return failure(number);
  }
  descriptor_ = owned_.get();
  if (replaced == nullptr) return {};
  struct stat made {};
  if (::fstat(descriptor_, &made) != 0) return failure(errno);
  mode_t mode = replaced->st_mode & kPermissions;
  if (made.st_gid != replaced->st_gid && ::fchown(descriptor_, static_cast<uid_t>(-1), replaced->st_gid) != 0) {
    // If the group cannot be kept, its permissions do not pass to another group: other users get no more than before.
    const mode_t of_group = mode & S_IRWXG;
    mode &= ~S_IRWXG & (~S_IRWXO | of_group >> 3);
  }
  if (::fchmod(descriptor_, mode) != 0) return failure(errno);
  return {};
}

/// Waits in steps for a pipe's reader: a blocking open() could not be interrupted.
base::Result<void, Failure> FileTarget::open_as_it_is(bool pipe, WaitForReader& wait) {
  while (true) {
    owned_ = os::Descriptor(::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (owned_.valid()) break;
    if (errno != ENXIO || !pipe || !wait) return failure(errno);
    if (auto waited = wait(); !waited.ok()) return waited;
  }
  descriptor_ = owned_.get();
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) & ~O_NONBLOCK);
  return {};
}

FileTarget::FileTarget(FileTarget&& other) noexcept
    : path_(std::move(other.path_)),
      final_(std::move(other.final_)),
      temporary_(std::exchange(other.temporary_, {})),
      owned_(std::move(other.owned_)),
      descriptor_(other.descriptor_),
      may_block_(other.may_block_),
      written_(other.written_) {}

FileTarget::~FileTarget() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

base::Result<void, Failure> FileTarget::write(std::span<const std::uint8_t> bytes, WaitForRoom& wait) {
  while (!bytes.empty()) {
    // A pipe with free space takes PIPE_BUF bytes without blocking (pipe(7)), so Ctrl-C is noticed.
    const std::size_t size = may_block_ ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
    if (may_block_)
      if (auto ready = wait(descriptor_); !ready.ok()) return ready;
    const ssize_t put = ::write(descriptor_, bytes.data(), size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failure(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    written_ += static_cast<std::uint64_t>(put);
  }
  return {};
}

base::Result<void, Failure> FileTarget::commit() {
  if (final_.empty()) return {};
  if (::fsync(descriptor_) != 0) return failure(errno);
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) return failure(errno);
  temporary_.clear();
  const os::Descriptor directory(::open(directory_of(final_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory that can be written but not read cannot be synced; the file is there all the same.
  if (directory.valid() && ::fsync(directory.get()) != 0 && errno == EIO)
    return Failure{system_error("cannot sync the directory of " + path_, errno),
                   "the file is in place, but may not survive a power failure"};
  return {};
}

const char* FileTarget::outcome() const {
  if (!final_.empty() || written_ == 0) return "nothing was written";
  return "the output is incomplete";
}

Failure FileTarget::failure(int number) const {
  Failure out{system_error("cannot write " + path_, number), outcome()};
  if (number == EPIPE && descriptor_ == STDOUT_FILENO) out.exit = Exit::broken_pipe;  // as for all other output
  return out;
}

}  // namespace troupe::apps
