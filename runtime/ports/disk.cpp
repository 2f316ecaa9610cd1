#include "runtime/ports/disk.hpp"

#include <algorithm>

#include "runtime/base/random.hpp"
#include "runtime/ports/unpacking.hpp"

namespace troupe::ports {

std::string_view name(DiskError error) {
  switch (error) {
    case DiskError::not_found: return "no such file";
    case DiskError::exists: return "the file exists already";
    case DiskError::no_space: return "no space left on the device";
    case DiskError::denied: return "not permitted";
    case DiskError::locked: return "held by another process";
    case DiskError::io: return "the device failed";
    case DiskError::gone: return "the data was removed or replaced while it was in use";
    case DiskError::too_many: return "too many open files (ulimit -n)";
  }
  return "the device failed";
}

namespace {

bool part_ok(std::string_view part) {
  if (part.empty() || part.size() > kNameBytesMax || part == "." || part == "..") return false;
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace

bool path_ok(std::string_view path) {
  if (path.size() > kPathBytesMax) return false;
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!part_ok(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

DiskResult<void> File::fill(std::uint64_t bytes, std::uint64_t seed) {
  base::Random random(seed);
  base::Bytes drawn(bytes);
  for (std::size_t at = 0; at < drawn.size(); at += 8) {
    const std::uint64_t number = random.next();
    for (std::size_t i = at; i < std::min(at + 8, drawn.size()); ++i)
      drawn[i] = static_cast<std::uint8_t>(number >> (8 * (i - at)));
  }
  return append(drawn);
}

DiskResult<std::unique_ptr<Unpacking>> Disk::unpack(std::string_view, std::string_view) { return DiskError::denied; }

DiskResult<void> remove_tree(Disk& disk, const std::string& path) {
  constexpr std::size_t kStep = 1'024;
  TreeRemoval all(path);
  while (!all.step(disk, kStep)) {
  }
  return all.outcome();
}

bool TreeRemoval::step(Disk& disk, std::size_t most) {
  for (; most > 0 && !left_.empty(); --most) {
    const std::string path = left_.back().path;
    DiskResult<void> removed = disk.remove(path);
    if (!removed.ok() && removed.error() == DiskError::denied && !left_.back().listed) {
      const auto names = disk.list(path);
      left_.back().listed = true;
      if (names.ok()) {
        for (const std::string& name : names.value()) left_.push_back({path + '/' + name, false});
        continue;
      }
      removed = names.error();
    }
    if (outcome_.ok()) outcome_ = removed;
    left_.pop_back();
  }
  return left_.empty();
}

DiskResult<void> write_durably(Disk& disk, std::string_view name, base::ByteView bytes) {
  const std::string temporary = std::string(name) + ".new";
  auto file = disk.open(temporary, OpenMode::replace);
  if (!file.ok()) return file.error();
  if (auto done = file.value()->append(bytes); !done.ok()) return done;
  if (auto done = file.value()->sync(); !done.ok()) return done;
  if (auto done = disk.rename(temporary, name); !done.ok()) return done;
  const std::size_t slash = name.rfind('/');
  return disk.sync_directory(slash == std::string_view::npos ? "." : name.substr(0, slash));
}

}  // namespace troupe::ports
