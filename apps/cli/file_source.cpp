#include "apps/cli/file_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "apps/cli/shell_word.hpp"

namespace troupe::apps {

using base::Code;

base::Error system_error(const std::string& what, int number) {
  const auto code = [number] {
    switch (number) {
      case ENOENT:
      case ENOTDIR: return Code::not_found;
      case EACCES:
      case EPERM:
      case EROFS: return Code::refused;
      case ENOSPC:
      case EDQUOT:
      case EFBIG: return Code::no_space;
      default: return Code::internal;
    }
  };
  return {code(), what + ": " + std::generic_category().message(number)};
}

base::Result<FileSource, Failure> FileSource::open(const std::string& path) {
  os::Descriptor owned;
  if (path != "-") {
    // Opened without waiting: open() of a named pipe would wait for its writer, and Ctrl-C would not interrupt it.
    owned = os::Descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!owned.valid()) return Failure{system_error("cannot read " + path, errno), "nothing was stored"};
    ::fcntl(owned.get(), F_SETFL, ::fcntl(owned.get(), F_GETFL) & ~O_NONBLOCK);
  }
  const int descriptor = path == "-" ? STDIN_FILENO : owned.get();
  FileSource source(path, std::move(owned), descriptor);
  if (::fstat(descriptor, &source.begun_) != 0) return source.failure("cannot read ", errno);
  if (S_ISDIR(source.begun_.st_mode))
    return Failure{{Code::unsupported,
                    "cannot read " + path + ": it is a directory; store its files one by one, or as an archive"},
                   "nothing was stored",
                   "tar -c -- " + shell_word(path) + " | troupe file put -"};
  source.regular_ = S_ISREG(source.begun_.st_mode);
  if (source.regular_) ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return source;
}

FileSource::FileSource(const std::string& path, os::Descriptor owned, int descriptor)
    : path_(path == "-" ? "standard input" : path),
      name_(path == "-" ? "" : path.substr(path.rfind('/') + 1)),
      owned_(std::move(owned)),
      descriptor_(descriptor) {}

base::Result<std::size_t, Failure> FileSource::read(std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = ::read(descriptor_, out.data() + filled, out.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot read ", errno);
    filled += static_cast<std::size_t>(got);
    if (got == 0 || !regular_) break;
  }
  if (filled == 0 && changed())
    return Failure{{Code::conflict, path_ + " changed while it was read"},
                   "nothing was stored under a content id",
                   "again when no program writes to it"};
  return filled;
}

bool FileSource::changed() const {
  if (!regular_) return false;
  struct stat now {};
  if (::fstat(descriptor_, &now) != 0) return true;
  const bool touched = now.st_size != begun_.st_size || now.st_mtim.tv_sec != begun_.st_mtim.tv_sec ||
                       now.st_mtim.tv_nsec != begun_.st_mtim.tv_nsec;
  if (touched || (begun_.st_size > 0 && ::lseek(descriptor_, 0, SEEK_CUR) != begun_.st_size)) return true;
  // Another file has the same name now: the bytes read are complete, but the name means another file.
  if (!owned_.valid()) return false;
  struct stat named {};
  return ::stat(path_.c_str(), &named) != 0 || named.st_ino != begun_.st_ino || named.st_dev != begun_.st_dev;
}

Failure FileSource::failure(const char* what, int number) const {
  return {system_error(what + path_, number), "nothing was stored under a content id"};
}

}  // namespace troupe::apps
