#include "runtime/store/error.hpp"

namespace troupe::store {

StoreError disk_failure(ports::DiskError error, std::string_view path) {
  const std::string message = std::string(path) + ": " + std::string(ports::name(error));
  switch (error) {
    case ports::DiskError::not_found: return {StoreError::not_found, message};
    case ports::DiskError::no_space: return {StoreError::no_space, message};
    case ports::DiskError::locked: return {StoreError::locked, message};
    case ports::DiskError::exists:
    case ports::DiskError::denied:
    case ports::DiskError::io:
    case ports::DiskError::gone:
    case ports::DiskError::too_many: break;
  }
  return {StoreError::io, message};
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

StoreError nearly_full(std::string_view path, std::uint64_t free, std::uint64_t reserve) {
  return {StoreError::no_space, std::string(path) + ": no space left on the device: " + mebibytes(free) + " free, " +
                                    mebibytes(reserve) +
                                    " kept in reserve; remove something, or free space on the device"};
}

StoreResult<void> make_durable_directory(ports::Disk& disk, std::string_view path) {
  if (const auto made = disk.make_directory(path); !made.ok()) return disk_failure(made.error(), path);
  for (std::string_view parent = path; parent != ".";) {
    const std::size_t slash = parent.rfind('/');
    parent = slash == std::string_view::npos ? "." : parent.substr(0, slash);
    if (const auto synced = disk.sync_directory(parent); !synced.ok()) return disk_failure(synced.error(), parent);
  }
  return {};
}

base::Error to_error(const StoreError& error) {
  const auto code = [&] {
    switch (error.kind) {
      case StoreError::not_found: return base::Code::not_found;
      case StoreError::no_space: return base::Code::no_space;
      case StoreError::corrupt: return base::Code::corrupt;
      case StoreError::io: return base::Code::unavailable;
      case StoreError::locked: return base::Code::conflict;
      case StoreError::format_newer: return base::Code::unsupported;
      case StoreError::too_large: return base::Code::refused;
    }
    return base::Code::internal;
  }();
  return {.code = code, .message = error.message};
}

}  // namespace troupe::store
