#include "runtime/os/folder_archive.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>

#include "runtime/ports/disk.hpp"
#include "runtime/ports/unpacking.hpp"

namespace troupe::os {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kNameBytes = 100;  // of a header
constexpr std::size_t kEndBlocks = 2;

std::uint64_t padding(std::uint64_t bytes) { return (kTarBlock - bytes % kTarBlock) % kTarBlock; }

Error unread(const std::string& path, int number) {
  const Code code = number == ENOENT || number == ENOTDIR ? Code::not_found
                    : number == EACCES || number == EPERM ? Code::refused
                                                          : Code::internal;
  return {code, "cannot read " + path + ": " + std::generic_category().message(number)};
}

/// Returns one block of POSIX.1-2017, pax, "ustar Interchange Format".
std::string block(char kind, const std::string& name, const std::string& target, std::uint64_t bytes, unsigned mode) {
  std::string out(kTarBlock, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { out.replace(at, text.size(), text); };
  const auto octal = [](std::uint64_t number, int digits) {
    std::array<char, 32> text;
    const int size = std::snprintf(text.data(), text.size(), "%0*llo", digits, static_cast<unsigned long long>(number));
    return std::string(text.data(), static_cast<std::size_t>(size));
  };
  put(0, name.substr(0, kNameBytes));
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(bytes, 11));
  put(136, octal(0, 11));
  put(148, std::string(8, ' '));
  out[156] = kind;
  put(157, target.substr(0, kNameBytes));
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : out) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return out;
}

/// Returns "LENGTH KEY=VALUE\n"; the length includes its own digits.
std::string record(const std::string& key, const std::string& value) {
  const std::string text = ' ' + key + '=' + value + '\n';
  std::size_t digits = 1;
  while (std::to_string(text.size() + digits).size() > digits) ++digits;
  return std::to_string(text.size() + digits) + text;
}

}  // namespace

/// The entries below a folder; the entries of a subfolder follow the subfolder.
class FolderArchive::Listing {
 public:
  explicit Listing(FolderArchive& out) : out_(out) {}

  base::Outcome<void> list(const std::string& below, std::size_t depth) {
    std::error_code failure;
    std::vector<std::string> names;
    std::filesystem::directory_iterator at(out_.folder_ + '/' + below, failure);
    for (; !failure && at != std::filesystem::directory_iterator(); at.increment(failure))
      names.push_back(at->path().filename().string());
    if (failure) return unread(below.empty() ? out_.folder_ : below, failure.value());
    std::ranges::sort(names);
    for (const std::string& name : names)
      if (const auto added = add((below.empty() ? "" : below + '/') + name, depth); !added.ok()) return added;
    return {};
  }

 private:
  static Error too_much(const std::string& what) {
    return {Code::unsupported, "the folder cannot be a root file system: " + what};
  }

  base::Outcome<void> add(const std::string& path, std::size_t depth) {
    struct stat status {};
    const std::string full = out_.folder_ + '/' + path;
    if (::lstat(full.c_str(), &status) != 0) return unread(full, errno);
    Entry entry{.path = path};
    if (S_ISDIR(status.st_mode)) entry.kind = Kind::folder;
    else if (S_ISLNK(status.st_mode)) entry.kind = Kind::link;
    else if (!S_ISREG(status.st_mode)) return {};
    if (!ports::path_ok(path) || path.size() > ports::kArchivePathBytesMax || depth >= ports::kArchiveDepthMax)
      return too_much(path + " has control characters, too long a path, or too many folders above it");
    if (entry.kind == Kind::link) {
      std::array<char, PATH_MAX> target;
      const ssize_t size = ::readlink(full.c_str(), target.data(), target.size());
      if (size < 0) return unread(full, errno);
      entry.target.assign(target.data(), static_cast<std::size_t>(size));
    } else if (entry.kind == Kind::file) {
      entry.executable = (status.st_mode & 0111) != 0;
      entry.bytes = static_cast<std::uint64_t>(status.st_size);
      if (status.st_nlink > 1) {
        const auto [first, fresh] = files_.try_emplace({status.st_dev, status.st_ino}, path);
        if (!fresh) entry = {.kind = Kind::same, .path = path, .target = first->second};
      }
    }
    content_ += entry.bytes;
    out_.bytes_ += head_of(entry).size() + entry.bytes + padding(entry.bytes);
    out_.entries_.push_back(std::move(entry));
    if (content_ > ports::kArchiveBytesMax || out_.entries_.size() > ports::kArchiveEntriesMax)
      return too_much("it has more than " + std::to_string(ports::kArchiveBytesMax) + " bytes, or " +
                      std::to_string(ports::kArchiveEntriesMax) + " entries");
    if (S_ISDIR(status.st_mode)) return list(path, depth + 1);
    return {};
  }

  FolderArchive& out_;
  std::uint64_t content_ = 0;
  std::map<std::pair<dev_t, ino_t>, std::string> files_;  // files with several names, by the first name
};

base::Outcome<FolderArchive> FolderArchive::open(const std::string& folder) {
  FolderArchive out;
  out.folder_ = folder;
  if (const auto listed = Listing(out).list("", 0); !listed.ok()) return listed.error();
  out.bytes_ += kEndBlocks * kTarBlock;
  return out;
}

std::string FolderArchive::head_of(const Entry& entry) {
  std::string records, out;
  const std::string path = entry.path + (entry.kind == Kind::folder ? "/" : "");
  if (path.size() > kNameBytes) records += record("path", path);
  if (entry.target.size() > kNameBytes) records += record("linkpath", entry.target);
  if (!records.empty())
    out = block('x', "pax", "", records.size(), 0644) + records + std::string(padding(records.size()), '\0');
  const bool all = entry.kind == Kind::folder || entry.executable;
  return out + block(static_cast<char>(entry.kind), path, entry.target, entry.bytes, all ? 0755 : 0644);
}

base::Outcome<std::size_t> FolderArchive::read(std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    if (!ready_.empty()) {
      const std::size_t taken = std::min(ready_.size(), out.size() - filled);
      std::memcpy(out.data() + filled, ready_.data(), taken);
      ready_.erase(0, taken);
      filled += taken;
    } else if (file_.valid()) {
      const auto got = read_file(out.subspan(filled));
      if (!got.ok()) return got.error();
      filled += got.value();
    } else if (ended_) {
      break;
    } else if (const auto begun = begin_next(); !begun.ok()) {
      return begun.error();
    }
  }
  return filled;
}

base::Outcome<void> FolderArchive::begin_next() {
  ended_ = next_ == entries_.size();
  if (ended_) {
    ready_.assign(kEndBlocks * kTarBlock, '\0');
    return {};
  }
  const Entry& entry = entries_[next_++];
  ready_ = head_of(entry);
  if (entry.kind != Kind::file) return {};
  const std::string path = folder_ + '/' + entry.path;
  file_ = Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!file_.valid() || ::fstat(file_.get(), &status) != 0) return unread(path, errno);
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != entry.bytes)
    return Error{Code::conflict, path + " changed while the folder was read"};
  left_ = entry.bytes;
  changed_s_ = status.st_mtim.tv_sec;
  changed_ns_ = status.st_mtim.tv_nsec;
  return {};
}

base::Outcome<std::size_t> FolderArchive::read_file(std::span<std::uint8_t> out) {
  const Entry& entry = entries_[next_ - 1];
  const std::string path = folder_ + '/' + entry.path;
  const Error changed{Code::conflict, path + " changed while the folder was read"};
  if (left_ == 0) {
    struct stat now {};
    if (::fstat(file_.get(), &now) != 0) return unread(path, errno);
    if (static_cast<std::uint64_t>(now.st_size) != entry.bytes || now.st_mtim.tv_sec != changed_s_ ||
        now.st_mtim.tv_nsec != changed_ns_)
      return changed;
    file_.reset();
    ready_.assign(padding(entry.bytes), '\0');
    return std::size_t{0};
  }
  const ssize_t got =
      ::read(file_.get(), out.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left_, out.size())));
  if (got < 0 && errno == EINTR) return std::size_t{0};
  if (got < 0) return unread(path, errno);
  if (got == 0) return changed;
  left_ -= static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

bool has_file(const std::string& folder, const std::string& path) {
  const Descriptor root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Descriptor file(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  struct stat status {};
  return file.valid() && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace troupe::os
