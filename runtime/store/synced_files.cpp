#include "runtime/store/synced_files.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "runtime/base/fields.hpp"
#include "runtime/store/crc32c.hpp"
#include "runtime/store/log_check.hpp"

namespace troupe::store {
namespace {

constexpr std::uint32_t kSyncedLog = 1;
constexpr std::uint32_t kSyncedManifest = 2;
constexpr std::string_view kManifestPrefix = "MANIFEST-";
constexpr std::size_t kLogNumberDigits = 6;          // as LevelDB pads them
constexpr std::size_t kCurrentNameMax = 64;          // a name and the end of its line
constexpr std::uint64_t kSyncedBytesMax = 16 << 20;  // far above any record that is written; more is not read

std::string synced_name(std::string database) {
  std::replace(database.begin(), database.end(), '/', '-');
  return database + ".synced";
}

std::optional<std::uint64_t> file_number(std::string_view digits) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

}  // namespace

SyncedFiles::SyncedFiles(ports::Disk& disk, std::string database)
    : disk_(disk), database_(std::move(database)), record_(synced_name(database_)) {}

std::optional<SyncedFiles::File> SyncedFiles::file_of(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  const bool log = name.ends_with(".log");
  if (!log && !name.starts_with(kManifestPrefix)) return std::nullopt;
  if (log) name.remove_suffix(4);
  else name.remove_prefix(kManifestPrefix.size());
  const auto number = file_number(name);
  if (!number) return std::nullopt;
  return File{log ? kSyncedLog : kSyncedManifest, *number};
}

std::string SyncedFiles::path_of(const File& file) const {
  std::string number = std::to_string(file.number);
  if (number.size() < kLogNumberDigits) number.insert(0, kLogNumberDigits - number.size(), '0');
  return database_ + '/' + (file.kind == kSyncedLog ? number + ".log" : std::string(kManifestPrefix) + number);
}

void SyncedFiles::put(base::Bytes& out, const File& file, std::uint64_t bytes) {
  const std::size_t begin = out.size();
  base::append_number(out, file.number);
  base::append_number(out, bytes);
  base::append_number(out, file.kind);
  base::append_number(out, crc32c(base::ByteView(out).subspan(begin)));
}

// -- at the start ----------------------------------------------------------------------------------------------------

StoreResult<void> SyncedFiles::check() {
  if (const auto got = read(); !got.ok()) return got;
  if (files_.empty()) return {};
  const auto is_stale = stale();
  if (!is_stale.ok()) return is_stale.error();
  if (is_stale.value()) {
    files_.clear();
    return {};
  }
  for (const auto& [file, bytes] : files_)
    if (const auto same = compare(file, bytes); !same.ok()) return same;
  return {};
}

StoreResult<void> SyncedFiles::read() {
  const auto file = disk_.open(record_, ports::OpenMode::read);
  if (!file.ok() && file.error() == ports::DiskError::not_found) return {};
  if (!file.ok()) return disk_failure(file.error(), record_);
  const auto size = file.value()->size();
  if (!size.ok()) return disk_failure(size.error(), record_);
  base::Bytes bytes(std::min(size.value(), kSyncedBytesMax));
  const auto got = file.value()->read(0, bytes);
  if (!got.ok()) return disk_failure(got.error(), record_);
  base::ByteView rest = base::ByteView(bytes).first(got.value());
  if (!base::as_text(rest).starts_with(kSyncedMagic)) return {};
  rest = rest.subspan(kSyncedMagic.size());
  for (; rest.size() >= kSyncedEntryBytes; rest = rest.subspan(kSyncedEntryBytes)) {
    if (crc32c(rest.first(20)) != base::load<std::uint32_t>(rest, 20)) break;
    const File of{base::load<std::uint32_t>(rest, 16), base::load<std::uint64_t>(rest)};
    if (const auto synced = base::load<std::uint64_t>(rest, 8)) files_[of] = synced;
    else files_.erase(of);
  }
  return {};
}

StoreResult<bool> SyncedFiles::stale() const {
  const std::string current = database_ + "/CURRENT";
  const auto file = disk_.open(current, ports::OpenMode::read);
  if (!file.ok() && file.error() == ports::DiskError::not_found) return false;
  if (!file.ok()) return disk_failure(file.error(), current);
  base::Bytes bytes(kCurrentNameMax);
  const auto got = file.value()->read(0, bytes);
  if (!got.ok()) return disk_failure(got.error(), current);
  std::string_view text = base::as_text(base::ByteView(bytes).first(got.value()));
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto named = file_of(text);
  if (!named || named->kind != kSyncedManifest) return false;  // LevelDB reports what is wrong with it
  // The largest entry is a manifest, if there is one.
  return files_.rbegin()->first < *named;
}

StoreResult<void> SyncedFiles::compare(const File& file, std::uint64_t expected) const {
  const std::string path = path_of(file);
  const auto open = disk_.open(path, ports::OpenMode::read);
  if (!open.ok() && open.error() == ports::DiskError::not_found) return lacks(file, expected, "the file is missing");
  if (!open.ok()) return disk_failure(open.error(), path);
  const auto size = open.value()->size();
  if (!size.ok()) return disk_failure(size.error(), path);
  if (size.value() < expected) return lacks(file, expected, std::to_string(size.value()) + " bytes are left");
  const auto whole = whole_records(*open.value(), expected);
  if (!whole.ok()) return disk_failure(whole.error(), path);
  if (whole.value() < expected)
    return lacks(file, expected, "from byte " + std::to_string(whole.value()) + " on it is damaged");
  return {};
}

StoreError SyncedFiles::lacks(const File& file, std::uint64_t expected, const std::string& what) const {
  return {StoreError::corrupt,
          path_of(file) + ": " + what + ", and " + std::to_string(expected) +
              " bytes of it were stored; restore it from a copy before the next start, or remove " + record_ +
              " from the data directory to accept the loss"};
}

// -- while it is in use ----------------------------------------------------------------------------------------------

void SyncedFiles::synced(std::string_view path, std::uint64_t bytes) {
  const auto file = file_of(path);
  if (!file || bytes == 0) return;
  const std::lock_guard hold(mutex_);
  files_[*file] = bytes;
  if (!open_ || entries_ >= kSyncedEntriesMax) write_all();
  else append(*file, bytes);
}

bool SyncedFiles::forget(std::string_view path) {
  const auto file = file_of(path);
  const std::lock_guard hold(mutex_);
  if (!file || !files_.contains(*file)) return true;
  const std::uint64_t bytes = files_.at(*file);
  files_.erase(*file);
  if (open_ && append(*file, 0) && open_->sync().ok()) return true;
  open_.reset();
  if (write_all()) return true;
  const auto removed = disk_.remove(record_);
  const bool is_gone = removed.ok() || removed.error() == ports::DiskError::not_found;
  if (is_gone && disk_.sync_directory(".").ok()) return true;
  files_.emplace(*file, bytes);
  return false;
}

/// After an error a part of an entry may be in the file, so nothing more is written there.
bool SyncedFiles::append(const File& file, std::uint64_t bytes) {
  base::Bytes entry;
  put(entry, file, bytes);
  ++entries_;
  if (open_->append(entry).ok()) return true;
  open_.reset();
  return false;
}

bool SyncedFiles::write_all() {
  open_.reset();
  base::Bytes all(kSyncedMagic.begin(), kSyncedMagic.end());
  for (const auto& [file, bytes] : files_) put(all, file, bytes);
  if (!ports::write_durably(disk_, record_, all).ok()) return false;
  auto opened = disk_.open(record_, ports::OpenMode::append);
  entries_ = files_.size();
  if (opened.ok()) open_ = std::move(opened).value();
  return true;
}

}  // namespace troupe::store
