#include "runtime/os/unpacking.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace troupe::os {
namespace {

using base::Code;
using base::Error;
using Done = base::Outcome<void>;

constexpr std::uint64_t kHeaderWork = 16;  // our choice: a header byte takes as long as 16 bytes of a file
constexpr mode_t kPlainMode = 0644, kProgramMode = 0755, kFolderMode = 0755;

/// Returns why `path` could not be created.
Error not_made(const std::string& path, int number) {
  switch (number) {
    case EEXIST: return at_fault(path, "is a duplicate");
    case ELOOP:
    case EXDEV: return at_fault(path, "is below a link");
    case ENOTDIR: return at_fault(path, "is below a file");
    case EMLINK: return at_fault(path, "has too many hard links");
    case ENOSPC:
    case EDQUOT: return {Code::no_space, "the disk is full"};
    default: return {Code::unavailable, path + " could not be created: " + std::generic_category().message(number)};
  }
}

Descriptor open_below(int folder, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return Descriptor(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class LinuxUnpacking final : public ports::Unpacking {
 public:
  LinuxUnpacking(std::unique_ptr<ports::File> archive, Descriptor folder)
      : archive_(std::move(archive)), folder_(std::move(folder)), reader_(*archive_) {}

  base::Outcome<Progress> step() override {
    // An entry counts as work even if it creates nothing, such as an existing folder, and so does its header.
    for (std::uint64_t work = 0; work < ports::kUnpackStepBytes;) {
      const bool header = !file_.valid();
      const std::uint64_t before = bytes_, at = reader_.at();
      const auto done = file_.valid() ? write_piece() : make_next();
      if (!done.ok()) return done.error();
      work += bytes_ - before;
      if (header) work += ports::kEntryBytes + kHeaderWork * (reader_.at() - at);
      if (!whole_) continue;
      // Syncs everything that the device has to write: a call for each file would take longer.
      if (::syncfs(folder_.get()) != 0) return not_made("it", errno);
      break;
    }
    return Progress{bytes_, whole_};
  }

 private:
  Done make_next() {
    auto entry = reader_.next();
    if (!entry.ok()) return entry.error();
    whole_ = !entry.value().has_value();
    return whole_ ? Done() : make(*entry.value());
  }

  Done make(const ArchiveEntry& entry) {
    using Kind = ArchiveEntry::Kind;
    if (entry.kind == Kind::none) return {};  // its path is not checked
    if (const int why = enter(parent_of(entry.path)); why != 0) return not_made(entry.path, why);
    const std::string name = name_of(entry.path);
    switch (entry.kind) {
      case Kind::folder:
        if (const int why = make_folder(parent_.get(), entry.path); why != 0) return not_made(entry.path, why);
        return {};
      case Kind::none: return {};
      case Kind::link:
        if (::symlinkat(entry.target.c_str(), parent_.get(), name.c_str()) != 0) return not_made(entry.path, errno);
        break;
      case Kind::same:
        if (const auto made = make_same(entry); !made.ok()) return made;
        break;
      case Kind::file:
        file_ = Descriptor(
            ::openat(parent_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPlainMode));
        if (!file_.valid()) return not_made(entry.path, errno);
        file_path_ = entry.path;
        if (::fchmod(file_.get(), entry.executable ? kProgramMode : kPlainMode) != 0)
          return not_made(entry.path, errno);
        break;
    }
    bytes_ += ports::kEntryBytes;
    return {};
  }

  Done make_same(const ArchiveEntry& entry) {
    const Descriptor of = open_below(folder_.get(), parent_of(entry.target));
    struct stat status {};
    const std::string name = name_of(entry.target);
    if (!of.valid() || ::fstatat(of.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      return at_fault(entry.path, "is a hard link, but its target is not an earlier file");
    if (::linkat(of.get(), name.c_str(), parent_.get(), name_of(entry.path).c_str(), 0) != 0)
      return not_made(entry.path, errno);
    return {};
  }

  /// Returns the errno, or 0. An existing folder is fine: some archives list it after its contents.
  int make_folder(int parent, const std::string& path) {
    const std::string name = name_of(path);
    if (::mkdirat(parent, name.c_str(), kFolderMode) != 0) {
      const int why = errno;
      struct stat status {};
      const bool there = why == EEXIST && ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
      return there && S_ISDIR(status.st_mode) ? 0 : why;
    }
    // The umask may have removed a bit. Only this process creates anything here, so it is still that folder.
    if (::fchmodat(parent, name.c_str(), kFolderMode, 0) != 0) return errno;
    bytes_ += ports::kEntryBytes;
    return 0;
  }

  /// Makes `path` the current folder, and creates parent folders that no entry has named. Returns the errno, or 0.
  int enter(const std::string& path) {
    if (parent_.valid() && path == parent_path_) return 0;
    Descriptor found = open_below(folder_.get(), path);
    if (!found.valid()) {
      if (errno != ENOENT || path == ".") return errno;
      if (const int why = enter(parent_of(path)); why != 0) return why;
      if (const int why = make_folder(parent_.get(), path); why != 0) return why;
      found = open_below(folder_.get(), path);
      if (!found.valid()) return errno;
    }
    parent_ = std::move(found);
    parent_path_ = path;
    return 0;
  }

  Done write_piece() {
    auto piece = reader_.read();
    if (!piece.ok()) return piece.error();
    if (piece.value().empty()) {
      file_.reset();
      return {};
    }
    bytes_ += piece.value().size();
    for (auto left = piece.value(); !left.empty();) {
      const ssize_t put = ::write(file_.get(), left.data(), left.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return not_made(file_path_, errno);
      left = left.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  std::unique_ptr<ports::File> archive_;
  Descriptor folder_;
  ArchiveReader reader_;
  Descriptor parent_;  // of the last entry
  std::string parent_path_;
  Descriptor file_;  // the file that is being written
  std::string file_path_;
  std::uint64_t bytes_ = 0;
  bool whole_ = false;
};

}  // namespace

std::unique_ptr<ports::Unpacking> unpack(std::unique_ptr<ports::File> archive, Descriptor folder) {
  return std::make_unique<LinuxUnpacking>(std::move(archive), std::move(folder));
}

}  // namespace troupe::os
