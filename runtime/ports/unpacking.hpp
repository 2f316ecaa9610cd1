#pragma once
// Unpacks a tar archive into a folder, a part at a time. Disk::unpack() starts it.
//
// Archive  POSIX tar (ustar, pax, and GNU's long names), not compressed. Its author is not trusted.
// Kept     folders, files, and links as they are; unpacking never follows a link. Every user can read all of it, and
//          execute files that some user could execute. Owners, times and set-user-id are dropped.
// Passed   devices, pipes and sockets are left out.
// Refused  the whole archive, at the first entry whose path begins with "/", has a ".." or is below a link, or that is
//          a duplicate or sparse; also above a limit. Entries made so far stay; remove them with remove_tree().
// Durable  after the last step, not before.
#include <cstddef>
#include <cstdint>

#include "runtime/base/error.hpp"

namespace troupe::ports {

inline constexpr std::uint64_t kArchiveBytesMax = std::uint64_t{4} << 30;  // our choice: unpacked
inline constexpr std::uint64_t kArchiveEntriesMax = 200'000;               // our choice: the number in a desktop's /usr
inline constexpr std::size_t kArchivePathBytesMax = 800;  // our choice: leaves space for the folder's own path
inline constexpr std::size_t kArchiveDepthMax = 64;       // our choice: nested folders
inline constexpr std::uint64_t kEntryBytes = 4'096;       // our choice: the cost of an entry in addition to its bytes
inline constexpr std::uint64_t kUnpackStepBytes = std::uint64_t{16} << 20;  // our choice: some 50 ms

class Unpacking {
 public:
  virtual ~Unpacking() = default;

  struct Progress {
    std::uint64_t bytes = 0;  ///< of all entries so far, with kEntryBytes for each
    bool whole = false;
  };
  /// Unpacks until kUnpackStepBytes more (at most kUnpackOverBytes above that) or all bytes are written. Errors:
  /// `refused` with the invalid entry, `no_space`, `unavailable` if the device failed. Make no calls after an error.
  virtual base::Outcome<Progress> step() = 0;
};

// A file is written in pieces of at most 1 MiB; an entry needs at most kArchiveDepthMax folders that the archive does
// not list.
inline constexpr std::uint64_t kUnpackOverBytes = (std::uint64_t{1} << 20) + (kArchiveDepthMax + 1) * kEntryBytes;

}  // namespace troupe::ports
