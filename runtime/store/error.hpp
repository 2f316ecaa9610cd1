#pragma once
// Errors between a caller and its stored bytes, and the few helpers that database and packs share.
#include <string>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::store {

/// An error, which can be compared with a kind: `if (result.error() == StoreError::not_found)`.
struct StoreError {
  enum Kind : std::uint8_t {
    not_found,     ///< no such key, record or pack
    no_space,      ///< the device or a quota is full, or its free space is reserved
    corrupt,       ///< stored bytes fail their checksum or contradict each other; the message names the file
    io,            ///< the device failed, or this process may not use the file
    locked,        ///< another process, or another object of this process, has it open
    format_newer,  ///< written in a format that this version neither knows nor can migrate
    too_large,     ///< the caller's input is beyond a limit
  };
  Kind kind = io;
  std::string message;  ///< for people: what failed, and which file

  friend bool operator==(const StoreError& error, Kind kind) { return error.kind == kind; }
};

template <class T>
using StoreResult = base::Result<T, StoreError>;

/// Returns the error for a failed disk operation on `path`.
StoreError disk_failure(ports::DiskError error, std::string_view path);
/// Returns the error for a device with `free` bytes left, if `reserve` bytes must stay free: the store needs them to
/// delete.
StoreError nearly_full(std::string_view path, std::uint64_t free, std::uint64_t reserve);
/// Returns "33 MiB": for people.
std::string mebibytes(std::uint64_t bytes);

/// Makes a directory with its parents, all of them durable.
StoreResult<void> make_durable_directory(ports::Disk& disk, std::string_view path);

/// Returns the error for callers of the store. `io` becomes `unavailable`, because the device may recover.
base::Error to_error(const StoreError& error);

}  // namespace troupe::store
