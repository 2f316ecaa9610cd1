#include "apps/host/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/cli/directory_access.hpp"
#include "apps/cli/shell_word.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::apps {
namespace {

using base::Code;
using ports::DiskError;

constexpr const char* kFormatFile = "format";
constexpr std::size_t kFormatBytesMax = 16;  // a number and a line end

base::Error disk_error(const char* what, DiskError error) {
  return {error == DiskError::no_space ? Code::no_space : Code::internal,
          std::string(what) + ": " + std::string(ports::name(error))};
}

Failure cannot_use(const std::string& path, const base::Error& why, std::string try_) {
  return {{why.code, "cannot use the data directory " + path + ": " + why.message},
          "nothing was started",
          std::move(try_),
          Exit::failed};
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether a domain has stored data: each has a directory with a database and packs.
bool holds_data(ports::Disk& disk, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto below = disk.list(name);  // a file holds no domain
    return below.ok() && (has(below.value(), "db") || has(below.value(), "packs"));
  });
}

/// Stored data belongs to one identity and one format, so neither is created in a directory that already has data.
std::optional<Failure> incomplete(ports::Disk& disk, const std::string& path) {
  const auto names = disk.list(".");
  if (!names.ok()) return cannot_use(path, disk_error("cannot list it", names.error()), "");
  const bool identity = has(names.value(), crypto::kIdentityFile);
  const bool format = has(names.value(), kFormatFile);
  if ((identity && format) || !holds_data(disk, names.value())) return std::nullopt;
  std::string folder = path;  // a name that ends in a slash would be a path inside the directory
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const std::string away = "mv " + shell_word(folder) + ' ' + shell_word(folder + ".old");
  const std::string format_now = std::to_string(kDataFormat);
  if (!identity)
    return cannot_use(path,
                      {Code::corrupt,
                       "it contains data, but identity.key is missing: with a new key this would be another node, "
                       "which could not find its data"},
                      "put identity.key back from a copy; or start with an empty directory: " + away);
  return cannot_use(
      path, {Code::corrupt, "it contains data, but its format file is missing: the version that wrote it is unknown"},
      "put the file back, " + format_now + " if this version wrote it: echo " + format_now + " >" +
          shell_word(folder + "/format") + "; or start with an empty directory: " + away);
}

/// Returns the failure to report if the modes of the directory and of the key file let other users read the key, as in
/// a restored copy. Parent directories are not checked, because they may be opened later.
std::optional<Failure> exposed_key(const std::string& path) {
  const std::string key = path + '/' + std::string(crypto::kIdentityFile);
  struct stat there {};
  struct stat file {};
  constexpr mode_t kEntered = S_IXGRP | S_IXOTH, kOthers = S_IRWXG | S_IRWXO;
  if (::stat(path.c_str(), &there) != 0 || (there.st_mode & kEntered) == 0) return std::nullopt;
  if (::stat(key.c_str(), &file) != 0 || (file.st_mode & kOthers) == 0) return std::nullopt;
  return cannot_use(path,
                    {Code::refused, "identity.key, the secret of this node, is open to other users: its mode is " +
                                        mode_text(file.st_mode)},
                    "chmod 600 " + shell_word(key));
}

/// Returns the failure to report if another user owns the directory, or may write to it.
std::optional<Failure> exposed(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0 || !S_ISDIR(there.st_mode) || os::is_own(there)) return std::nullopt;
  if (there.st_uid != ::geteuid() && there.st_uid != 0) {
    const std::string owner = user_name(there.st_uid);
    return cannot_use(
        path, {Code::refused, "it belongs to the user " + owner + ", and this is the user " + user_name(::geteuid())},
        "run it as the user " + owner + ", or use --data with your own directory");
  }
  return cannot_use(path, {Code::refused, "other users may write to it: its mode is " + mode_text(there.st_mode)},
                    "chmod go-w " + shell_word(path));
}

/// Returns why the directory cannot be used, if its location explains it better than the error of the disk.
std::optional<Failure> barred(const std::string& path) {
  if (auto out = kept_out(path)) return out;
  const auto at = barring_directory(path, EROFS);
  if (at.empty()) return exposed(path);
  return cannot_use(path, {Code::refused, "the file system of " + at.string() + " is read-only"},
                    "use --data with a directory on a writable file system");
}

}  // namespace

base::Outcome<void> check_format(ports::Disk& disk) {
  auto file = disk.open(kFormatFile, ports::OpenMode::read);
  if (!file.ok()) {
    if (file.error() != DiskError::not_found) return disk_error("cannot open its format file", file.error());
    const auto written = ports::write_durably(disk, kFormatFile, base::as_bytes(std::to_string(kDataFormat) + '\n'));
    if (!written.ok()) return disk_error("cannot write its format file", written.error());
    return {};
  }
  base::Bytes bytes(kFormatBytesMax + 1);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return disk_error("cannot read its format file", read.error());
  std::string_view text = base::as_text(base::ByteView(bytes).first(read.value()));
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto format = read.value() <= kFormatBytesMax ? config::parse_count(text) : std::nullopt;
  if (!format || *format == 0) return base::Error{Code::corrupt, "its format file does not contain a number"};
  if (*format > kDataFormat)
    return base::Error{Code::unsupported, "its format is " + std::to_string(*format) +
                                              ", and this program supports formats up to " +
                                              std::to_string(kDataFormat) + ": it was written by a newer version"};
  return {};
}

base::Outcome<std::optional<base::Bytes>> kept_file(ports::Disk& disk, std::string_view name, std::size_t bytes_max) {
  using Found = std::optional<base::Bytes>;
  const std::string cannot = "cannot read its file " + std::string(name);
  const auto file = disk.open(name, ports::OpenMode::read);
  if (!file.ok() && file.error() == DiskError::not_found) return Found(std::nullopt);
  if (!file.ok()) return disk_error(cannot.c_str(), file.error());
  const auto size = file.value()->size();
  if (!size.ok()) return disk_error(cannot.c_str(), size.error());
  if (size.value() > bytes_max)
    return base::Error{Code::corrupt, std::string(name) + " is larger than " + std::to_string(bytes_max) + " bytes"};
  base::Bytes bytes(static_cast<std::size_t>(size.value()));
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return disk_error(cannot.c_str(), read.error());
  bytes.resize(read.value());
  return Found(std::move(bytes));
}

base::Result<DataDirectory, Failure> open_data_directory(const std::string& path) {
  auto disk = os::open_own_disk(path);
  if (!disk.ok()) {
    if (const auto out = barred(path)) return *out;
    return cannot_use(path, disk_error("cannot open it", disk.error()), "");
  }
  auto lock = disk.value()->lock(kLockFile);
  if (!lock.ok()) {
    if (const auto out = barred(path)) return *out;
    if (lock.error() != DiskError::locked) return cannot_use(path, disk_error("cannot lock it", lock.error()), "");
    return cannot_use(path, {Code::conflict, "another node runs in it"}, "troupe status --data " + shell_word(path));
  }
  if (const auto open = exposed_key(path)) return *open;
  if (const auto lacking = incomplete(*disk.value(), path)) return *lacking;
  if (const auto format = check_format(*disk.value()); !format.ok()) return cannot_use(path, format.error(), "");
  return DataDirectory{path, std::move(disk).value(), std::move(lock).value()};
}

}  // namespace troupe::apps
