#pragma once
// What can go wrong between a caller and its stored bytes; and the little that database and packs share.
#include <string>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::store {

/// Compares with a kind: `if (result.error() == StoreError::not_found)`.
struct StoreError {
  enum Kind : std::uint8_t {
    not_found,     ///< no such key, record or pack
    no_space,      ///< the device or a quota is full, or what is left of it is reserved
    corrupt,       ///< stored bytes fail their checksum or contradict each other; the message names the file
    io,            ///< the device failed, or the file is not ours to use
    locked,        ///< another process, or another object of this one, has it open
    format_newer,  ///< written in a format that this version neither knows nor can migrate
    too_large,     ///< the caller's input is beyond a limit
  };
  Kind kind = io;
  std::string message;  ///< for people: what failed, and which file

  friend bool operator==(const StoreError& error, Kind kind) { return error.kind == kind; }
};

template <class T>
using StoreResult = base::Result<T, StoreError>;

/// The store's view of a failed disk operation on `path`.
StoreError disk_failure(ports::DiskError error, std::string_view path);
/// A device whose last free space is kept for what the store does to free some.
/// `free` bytes of the device are left, of which `reserve` are kept.
StoreError nearly_full(std::string_view path, std::uint64_t free, std::uint64_t reserve);
/// For people: "33 MiB".
std::string mebibytes(std::uint64_t bytes);

/// Makes a directory with its parents, so that a crash does not lose any of their names.
StoreResult<void> make_durable_directory(ports::Disk& disk, std::string_view path);

/// The shape of error that leaves the node's storage: io becomes `unavailable`, for the device may come back.
base::Error to_error(const StoreError& error);

}  // namespace troupe::store
