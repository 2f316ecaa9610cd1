#pragma once
// A tar archive that becomes a folder, a part at a time: Disk::unpack() begins it.
//
// Archive  POSIX tar (ustar, pax, and GNU's long names), not compressed. Its maker is not trusted.
// Kept     folders, files, and links as they are; the unpacking never follows a link. Every id can read all of it, and
//          execute what some id could; owners, times and set-user-id are dropped.
// Passed   devices, pipes and sockets are left out.
// Refused  the archive as a whole, at the first entry that begins with "/", has a "..", lies below a link, is there
//          twice or is sparse; and above a limit. What was made by then stays: remove_tree().
// Durable  with the last step, not before.
#include <cstddef>
#include <cstdint>

#include "runtime/base/error.hpp"

namespace troupe::ports {

inline constexpr std::uint64_t kArchiveBytesMax = std::uint64_t{4} << 30;  // our choice: unpacked
inline constexpr std::uint64_t kArchiveEntriesMax = 200'000;               // our choice: a desktop's /usr has as many
inline constexpr std::size_t kArchivePathBytesMax = 800;  // our choice: leaves room for the folder's own path
inline constexpr std::size_t kArchiveDepthMax = 64;       // our choice: folders in one another
inline constexpr std::uint64_t kEntryBytes = 4'096;       // our choice: what an entry takes beside its bytes
inline constexpr std::uint64_t kUnpackStepBytes = std::uint64_t{16} << 20;  // our choice: some 50 ms

class Unpacking {
 public:
  virtual ~Unpacking() = default;

  struct Progress {
    std::uint64_t bytes = 0;  ///< of all that was made so far, with kEntryBytes for each entry
    bool whole = false;
  };
  /// Makes entries until it has made kUnpackStepBytes more, or all; at most kUnpackOverBytes above that.
  /// Errors: `refused` with the entry that is at fault, `no_space`, `unavailable`: a device that failed. No step after.
  virtual base::Outcome<Progress> step() = 0;
};

// A file is made in pieces of at most 1 MiB, an entry has at most kArchiveDepthMax folders that were not listed.
inline constexpr std::uint64_t kUnpackOverBytes = (std::uint64_t{1} << 20) + (kArchiveDepthMax + 1) * kEntryBytes;

}  // namespace troupe::ports
