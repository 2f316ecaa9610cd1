#include "apps/data_directory.hpp"

#include "apps/shell_word.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::apps {
namespace {

using base::Code;
using ports::DiskError;

constexpr const char* kFormatFile = "format";
constexpr const char* kLockFile = "LOCK";
constexpr std::size_t kFormatBytesMax = 16;  // a number and the end of its line

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

}  // namespace

ports::DiskResult<void> write_durably(ports::Disk& disk, const std::string& name, base::ByteView bytes) {
  const std::string temporary = name + ".new";
  auto file = disk.open(temporary, ports::OpenMode::replace);
  if (!file.ok()) return file.error();
  if (auto done = file.value()->append(bytes); !done.ok()) return done;
  if (auto done = file.value()->sync(); !done.ok()) return done;
  if (auto done = disk.rename(temporary, name); !done.ok()) return done;
  return disk.sync_directory(".");
}

base::Outcome<void> check_format(ports::Disk& disk) {
  auto file = disk.open(kFormatFile, ports::OpenMode::read);
  if (!file.ok()) {
    if (file.error() != DiskError::not_found) return disk_error("cannot open its format file", file.error());
    const auto written = write_durably(disk, kFormatFile, base::as_bytes(std::to_string(kDataFormat) + '\n'));
    if (!written.ok()) return disk_error("cannot write its format file", written.error());
    return {};
  }
  base::Bytes bytes(kFormatBytesMax + 1);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return disk_error("cannot read its format file", read.error());
  std::string_view text = base::as_text(base::ByteView(bytes).first(read.value()));
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto format = read.value() <= kFormatBytesMax ? config::parse_count(text) : std::nullopt;
  if (!format || *format == 0) return base::Error{Code::corrupt, "its format file holds no number"};
  if (*format > kDataFormat)
    return base::Error{Code::unsupported, "its format is " + std::to_string(*format) + ", and this program knows " +
                                              std::to_string(kDataFormat) + " at most: a newer one has written it"};
  return {};
}

base::Result<DataDirectory, Failure> open_data_directory(const std::string& path) {
  auto disk = os::open_disk(path);
  if (!disk.ok()) return cannot_use(path, disk_error("cannot open it", disk.error()), "");
  auto lock = disk.value()->lock(kLockFile);
  if (!lock.ok()) {
    if (lock.error() != DiskError::locked) return cannot_use(path, disk_error("cannot lock it", lock.error()), "");
    return cannot_use(path, {Code::conflict, "another node runs in it"}, "troupe status --data " + shell_word(path));
  }
  if (const auto format = check_format(*disk.value()); !format.ok()) return cannot_use(path, format.error(), "");
  return DataDirectory{path, std::move(disk).value(), std::move(lock).value()};
}

}  // namespace troupe::apps
