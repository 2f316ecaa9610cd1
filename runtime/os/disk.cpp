#include "runtime/os/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "runtime/os/descriptor.hpp"
#include "runtime/os/names_in_use.hpp"
#include "runtime/os/unpacking.hpp"

namespace troupe::os {
namespace {

using ports::DiskError;
using ports::DiskResult;
using ports::OpenMode;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kShownMode = 0555;        // of a file
constexpr mode_t kShownFolderMode = 0755;  // this user still owns it, and removes it

DiskError error_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return DiskError::not_found;
    case EEXIST: return DiskError::exists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return DiskError::no_space;
    case EWOULDBLOCK: return DiskError::locked;
    case EMFILE:
    case ENFILE: return DiskError::too_many;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case EISDIR:
    case EINVAL:
    case EBUSY:
    case EXDEV:
    case ENXIO:
    case ENOTEMPTY:
    case ENAMETOOLONG: return DiskError::denied;
    default: return DiskError::io;
  }
}

DiskError last_error() { return error_of(errno); }

/// Repeats a system call that a signal has interrupted.
template <class Call>
auto retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

DiskResult<void> sync_data(int fd) {
  if (retry([&] { return ::fdatasync(fd); }) < 0) return last_error();
  return {};
}

/// The name of a file that is open for writing.
class OpenName {
 public:
  OpenName() = default;  // no name
  OpenName(std::shared_ptr<NamesInUse> names, std::string_view path, int fd)
      : names_(std::move(names)), id_(names_->add(path, fd)) {}
  ~OpenName() {
    if (names_) names_->drop(id_);
  }
  OpenName(OpenName&& from) noexcept : names_(std::move(from.names_)), id_(from.id_) {}
  OpenName& operator=(OpenName&&) = delete;

  bool gone() const { return names_ && names_->lost(); }
  /// Like gone(), and whether the file `fd` has lost its name just now.
  bool gone(int fd) const {
    if (names_) names_->check(id_, fd);
    return gone();
  }

 private:
  std::shared_ptr<NamesInUse> names_;
  NamesInUse::Id id_ = 0;
};

class LinuxFile final : public ports::File {
 public:
  LinuxFile(Descriptor fd, OpenMode mode, OpenName name = {})
      : fd_(std::move(fd)), mode_(mode), name_(std::move(name)) {}

  DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto got = retry(
          [&] { return ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done)); });
      if (got < 0) return last_error();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  DiskResult<void> append(base::ByteView bytes) override {
    if (mode_ == OpenMode::read) return DiskError::denied;
    if (name_.gone()) return DiskError::gone;
    while (!bytes.empty()) {
      const auto put = retry([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (put < 0) return last_error();
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  DiskResult<void> sync() override {
    if (const auto synced = sync_data(fd_.get()); !synced.ok()) return synced;
    // Otherwise its caller might now acknowledge data that nobody could find again.
    if (name_.gone(fd_.get())) return DiskError::gone;
    return {};
  }

  DiskResult<void> truncate(std::uint64_t bytes) override {
    if (mode_ == OpenMode::read) return DiskError::denied;
    if (name_.gone()) return DiskError::gone;
    const auto now = size();
    if (!now.ok()) return now.error();
    if (bytes > now.value()) return DiskError::denied;
    if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)); }) < 0) return last_error();
    return {};
  }

  DiskResult<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) < 0) return last_error();
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor fd_;
  OpenMode mode_;
  OpenName name_;  // destroyed before `fd_` is closed, because another file may get its inode then
};

class LinuxLock final : public ports::DiskLock {
 public:
  LinuxLock(Descriptor fd, OpenName name) : fd_(std::move(fd)), name_(std::move(name)) {}

 private:
  Descriptor fd_;  // the kernel drops the lock when it is closed
  OpenName name_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read: return O_RDONLY;
    case OpenMode::append: return O_RDWR | O_APPEND | O_CREAT;
    case OpenMode::create: return O_RDWR | O_APPEND | O_CREAT | O_EXCL;
    case OpenMode::replace: return O_RDWR | O_APPEND | O_CREAT;  // emptied once it is known to be a file
  }
  return O_RDONLY;
}

/// Opens the directory `part` of `parent`; a symbolic link is `denied`.
DiskResult<Descriptor> step_into(int parent, const std::string& part) {
  Descriptor next(
      retry([&] { return ::openat(parent, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (next.valid()) return next;
  const int why = errno;
  struct stat status {};
  if (why == ENOTDIR && ::fstatat(parent, part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
    return DiskError::denied;
  }
  return error_of(why);
}

/// A directory and the last part of a path in it.
struct DirectoryEntry {
  Descriptor directory;
  std::string name;
};

class LinuxDisk final : public ports::Disk {
 public:
  LinuxDisk(Descriptor root, const std::string& path)
      : root_(std::move(root)), names_(std::make_shared<NamesInUse>(root_.get(), path)) {}

  DiskResult<std::unique_ptr<ports::File>> open(std::string_view path, OpenMode mode) override {
    if (mode != OpenMode::read && names_->lost()) return DiskError::gone;
    auto fd = open_regular(path, flags_of(mode));
    if (!fd.ok()) return fd.error();
    if (mode == OpenMode::read)
      return std::unique_ptr<ports::File>(std::make_unique<LinuxFile>(std::move(fd).value(), mode));
    if (mode == OpenMode::replace && retry([&] { return ::ftruncate(fd.value().get(), 0); }) < 0) return last_error();
    OpenName name(names_, path, fd.value().get());
    return std::unique_ptr<ports::File>(std::make_unique<LinuxFile>(std::move(fd).value(), mode, std::move(name)));
  }

  DiskResult<void> rename(std::string_view from, std::string_view to) override {
    if (names_->lost()) return DiskError::gone;
    const auto moved = names_->take(from);
    const auto replaced = names_->take(to);
    auto renamed = rename_entry(from, to);
    names_->put(moved, from, renamed.ok() ? to : from);
    if (!renamed.ok()) names_->put(replaced, to, to);
    return renamed;
  }

  DiskResult<void> remove(std::string_view path) override {
    if (names_->lost()) return DiskError::gone;
    const auto removed_names = names_->take(path);
    auto removed = remove_entry(path);
    if (!removed.ok()) names_->put(removed_names, path, path);
    return removed;
  }

  DiskResult<void> make_directory(std::string_view path) override {
    if (!ports::path_ok(path)) return DiskError::denied;
    if (names_->lost()) return DiskError::gone;
    Descriptor at(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    if (!at.valid()) return last_error();
    for (std::string_view rest = path; !rest.empty();) {
      const std::size_t slash = std::min(rest.find('/'), rest.size());
      const std::string part(rest.substr(0, slash));
      rest.remove_prefix(std::min(slash + 1, rest.size()));
      const bool made = ::mkdirat(at.get(), part.c_str(), kDirectoryMode) == 0;
      if (!made && errno != EEXIST) return last_error();
      auto next = step_into(at.get(), part);
      if (!next.ok()) return next.error() == DiskError::not_found ? DiskError::exists : next.error();
      // The process's umask may have removed a bit of our mode.
      if (made && ::fchmod(next.value().get(), kDirectoryMode) < 0) return last_error();
      at = std::move(next).value();
    }
    return {};
  }

  DiskResult<void> sync_directory(std::string_view path) override {
    if (names_->lost()) return DiskError::gone;
    const auto directory = open_directory(path);
    if (!directory.ok()) return directory.error();
    if (retry([&] { return ::fsync(directory.value().get()); }) < 0) return last_error();
    return {};
  }

  DiskResult<std::vector<std::string>> list(std::string_view path) override {
    auto directory = open_directory(path);
    if (!directory.ok()) return directory.error();
    DIR* stream = ::fdopendir(directory.value().get());
    if (stream == nullptr) return last_error();
    directory.value().release();  // the stream owns it now
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int why = errno;
    ::closedir(stream);
    if (why != 0) return error_of(why);
    std::sort(names.begin(), names.end());
    return names;
  }

  DiskResult<std::uint64_t> size(std::string_view path) override {
    const auto place = locate(path);
    if (!place.ok()) return place.error();
    struct stat status {};
    if (::fstatat(place.value().directory.get(), place.value().name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      return last_error();
    }
    if (!S_ISREG(status.st_mode)) return DiskError::denied;
    return static_cast<std::uint64_t>(status.st_size);
  }

  DiskResult<std::unique_ptr<ports::DiskLock>> lock(std::string_view path) override {
    if (names_->lost()) return DiskError::gone;
    auto fd = open_regular(path, O_RDWR | O_CREAT);
    if (!fd.ok()) return fd.error();
    if (retry([&] { return ::flock(fd.value().get(), LOCK_EX | LOCK_NB); }) < 0) return last_error();
    OpenName name(names_, path, fd.value().get());
    return std::unique_ptr<ports::DiskLock>(std::make_unique<LinuxLock>(std::move(fd).value(), std::move(name)));
  }

  DiskResult<std::string> show(std::string_view path) override {
    auto shown = open_directory(path);
    const mode_t mode = shown.ok() ? kShownFolderMode : kShownMode;
    if (!shown.ok()) shown = open_regular(path, O_RDONLY);
    if (!shown.ok()) return shown.error();
    const int fd = shown.value().get();
    if (::fchmod(fd, mode) < 0) return last_error();
    std::array<char, PATH_MAX> where;
    const ssize_t bytes = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), where.data(), where.size());
    if (bytes < 0) return last_error();
    if (static_cast<std::size_t>(bytes) == where.size()) return DiskError::denied;
    return std::string(where.data(), static_cast<std::size_t>(bytes));
  }

  DiskResult<std::unique_ptr<ports::Unpacking>> unpack(std::string_view archive, std::string_view to) override {
    if (names_->lost()) return DiskError::gone;
    auto from = open(archive, OpenMode::read);
    if (!from.ok()) return from.error();
    const auto place = locate(to);
    if (!place.ok()) return place.error();
    const int parent = place.value().directory.get();
    if (::mkdirat(parent, place.value().name.c_str(), kDirectoryMode) < 0) return last_error();
    auto folder = step_into(parent, place.value().name);
    if (!folder.ok()) return folder.error();
    return os::unpack(std::move(from).value(), std::move(folder).value());
  }

  DiskResult<std::uint64_t> free_bytes() override {
    if (names_->lost()) return DiskError::gone;  // its callers are about to write
    struct statvfs status {};
    if (retry([&] { return ::fstatvfs(root_.get(), &status); }) < 0) return last_error();
    return free_of(status);
  }

  std::optional<std::string> lost() override { return names_->find_lost(); }

 private:
  DiskResult<void> rename_entry(std::string_view from, std::string_view to) const {
    const auto source = locate(from);
    if (!source.ok()) return source.error();
    const auto target = locate(to);
    if (!target.ok()) return target.error();
    if (::renameat(source.value().directory.get(), source.value().name.c_str(), target.value().directory.get(),
                   target.value().name.c_str()) < 0) {
      // A file onto a directory, or a directory onto one with entries: neither is a missing name.
      return errno == ENOTDIR || errno == EEXIST ? DiskError::denied : last_error();
    }
    return {};
  }

  DiskResult<void> remove_entry(std::string_view path) const {
    const auto place = locate(path);
    if (!place.ok()) return place.error();
    const int directory = place.value().directory.get();
    const char* name = place.value().name.c_str();
    if (::unlinkat(directory, name, 0) == 0) return {};
    if (errno != EISDIR) return last_error();
    if (::unlinkat(directory, name, AT_REMOVEDIR) == 0) return {};
    return errno == EEXIST ? DiskError::denied : last_error();
  }

  DiskResult<DirectoryEntry> locate(std::string_view path) const {
    if (!ports::path_ok(path)) return DiskError::denied;
    Descriptor at(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    if (!at.valid()) return last_error();
    for (;;) {
      const std::size_t slash = path.find('/');
      std::string part(path.substr(0, slash));
      if (slash == std::string_view::npos) return DirectoryEntry{std::move(at), std::move(part)};
      auto next = step_into(at.get(), part);
      if (!next.ok()) return next.error();
      at = std::move(next).value();
      path.remove_prefix(slash + 1);
    }
  }

  DiskResult<Descriptor> open_directory(std::string_view path) const {
    if (path == ".") return step_into(root_.get(), ".");
    const auto place = locate(path);
    if (!place.ok()) return place.error();
    return step_into(place.value().directory.get(), place.value().name);
  }

  DiskResult<Descriptor> open_regular(std::string_view path, int flags) const {
    const auto place = locate(path);
    if (!place.ok()) return place.error();
    // O_NONBLOCK: opening a pipe must not wait for its other end. It has no effect on a regular file.
    Descriptor fd(retry([&] {
      return ::openat(place.value().directory.get(), place.value().name.c_str(),
                      flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, kFileMode);
    }));
    if (!fd.valid()) return last_error();
    struct stat status {};
    if (::fstat(fd.get(), &status) < 0) return last_error();
    if (!S_ISREG(status.st_mode)) return DiskError::denied;
    return fd;
  }

  Descriptor root_;
  std::shared_ptr<NamesInUse> names_;  // open files use it, too
};

DiskResult<void> make_directory_at(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) < 0) {
    if (errno == EEXIST) return {};
    return last_error();
  }
  if (::chmod(path.c_str(), kDirectoryMode) < 0) return last_error();
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Descriptor fd(retry([&] { return ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid() || retry([&] { return ::fsync(fd.get()); }) < 0) return last_error();
  return {};
}

DiskResult<void> make_root(std::string root) {
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  for (std::size_t end = root.find('/', 1);; end = root.find('/', end + 1)) {
    if (const auto made = make_directory_at(root.substr(0, end)); !made.ok()) return made.error();
    if (end == std::string::npos) return {};
  }
}

/// Opens the directory `root`, created if absent.
DiskResult<Descriptor> open_root(const std::string& root) {
  if (root.empty()) return DiskError::denied;
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  Descriptor fd(retry([&] { return ::open(root.c_str(), flags); }));
  if (!fd.valid() && errno == ENOENT) {
    if (const auto made = make_root(root); !made.ok()) return made.error();
    fd = Descriptor(retry([&] { return ::open(root.c_str(), flags); }));
  }
  if (!fd.valid()) return errno == ENOTDIR ? DiskError::denied : last_error();
  return fd;
}

DiskResult<std::unique_ptr<ports::Disk>> disk_at(Descriptor root, const std::string& path) {
  return std::unique_ptr<ports::Disk>(std::make_unique<LinuxDisk>(std::move(root), path));
}

}  // namespace

std::uint64_t free_of(const struct statvfs& device) {
  const std::uint64_t bytes = std::uint64_t{device.f_bavail} * device.f_frsize;
  if (device.f_files == 0) return bytes;
  return std::min(bytes, std::min<std::uint64_t>(device.f_favail, UINT64_MAX / kFileTakes) * kFileTakes);
}

DiskResult<std::unique_ptr<ports::Disk>> open_disk(const std::string& root) {
  auto fd = open_root(root);
  if (!fd.ok()) return fd.error();
  return disk_at(std::move(fd).value(), root);
}

DiskResult<std::unique_ptr<ports::Disk>> open_own_disk(const std::string& root) {
  auto fd = open_root(root);
  if (!fd.ok()) return fd.error();
  struct stat status {};
  if (::fstat(fd.value().get(), &status) < 0) return last_error();
  if (!is_own(status)) return DiskError::denied;
  return disk_at(std::move(fd).value(), root);
}

std::unique_ptr<ports::File> file_of(Descriptor open) {
  return std::make_unique<LinuxFile>(std::move(open), OpenMode::read);
}

bool is_own(const struct stat& directory) {
  const bool foreign = directory.st_uid != ::geteuid() && directory.st_uid != 0;
  return !foreign && (directory.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace troupe::os
