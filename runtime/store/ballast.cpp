#include "runtime/store/ballast.hpp"

#include <algorithm>
#include <utility>

namespace troupe::store {

static_assert(kBallastBytesMin <= kBallastBytes);

Ballast::Ballast(ports::Disk& disk, std::string directory, std::uint64_t bytes_max, std::uint64_t reserve_bytes,
                 std::uint64_t seed)
    : disk_(disk),
      directory_(std::move(directory)),
      path_(directory_ + "/ballast"),
      bytes_max_(bytes_max),
      reserve_bytes_(reserve_bytes),
      random_(seed) {}

std::uint64_t Ballast::bytes() const {
  const auto size = disk_.size(path_);
  return size.ok() ? size.value() : 0;
}

Ballast::Grown Ballast::grow() {
  if (bytes_max_ == 0) return Grown::whole;
  const auto free = disk_.free_bytes();
  if (!free.ok()) return Grown::waits;
  const std::uint64_t size = bytes();
  const std::uint64_t share = (free.value() + size) / kDeviceParts;
  const std::uint64_t wanted = std::min(bytes_max_, std::max(share, kBallastBytesMin));
  if (size >= wanted) return Grown::whole;
  const std::uint64_t step = std::min(kBallastStepBytes, wanted - size);
  if (free.value() < reserve_bytes_ + step || !append(step, size)) return Grown::waits;
  return size + step < wanted ? Grown::more : Grown::whole;
}

/// Adds `bytes` to a file of `size` bytes. After an error the file has `size` bytes again.
bool Ballast::append(std::uint64_t bytes, std::uint64_t size) {
  auto file = disk_.open(path_, ports::OpenMode::append);
  if (!file.ok()) return false;
  auto done = file.value()->fill(bytes, random_.next());
  if (done.ok()) done = file.value()->sync();
  if (done.ok() && size == 0) done = disk_.sync_directory(directory_);
  if (!done.ok()) static_cast<void>(file.value()->truncate(size));
  return done.ok();
}

bool Ballast::release() {
  if (bytes() == 0 || !disk_.remove(path_).ok()) return false;
  // Some file systems release the blocks with this sync. If it fails, the caller's next write fails for lack of space.
  static_cast<void>(disk_.sync_directory(directory_));
  return true;
}

}  // namespace troupe::store
