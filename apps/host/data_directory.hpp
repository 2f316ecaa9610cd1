#pragma once
// The directory that a node lives in: made, locked, and of a format that this program knows.
//
// Files   format (a number and the end of its line), LOCK, identity.key, config.toml, control.sock, and what the
//         domains keep: store/, log/, NAME.synced (runtime/store/synced_files.hpp), and of the ledger chain,
//         validator and validator.lock (apps/chain/founding.hpp).
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps {

/// What this program writes. A change of it comes with a migration from the one before.
inline constexpr unsigned kDataFormat = 1;

struct DataDirectory {
  std::string path;
  std::unique_ptr<ports::Disk> disk;
  std::unique_ptr<ports::DiskLock> lock;  ///< held until the node has ended
};

/// Makes the directory (0700) with its parents if there is none, and its format file. Blocks on the disk.
/// Fails, with exit 1, if another process has it, if it belongs to another user than this one and root, if others may
/// write to it, if they can get at its key, if its format is newer or unreadable, if it holds data without its identity
/// or its format, or the device refuses.
base::Result<DataDirectory, Failure> open_data_directory(const std::string& path);

/// A file of the directory that is read as a whole; nothing if there is none. Errors: `corrupt` if it has more than
/// `bytes_max`; the device's.
base::Outcome<std::optional<base::Bytes>> kept_file(ports::Disk& disk, std::string_view name, std::size_t bytes_max);

/// Checks the format file of a directory, or writes one where there is none.
base::Outcome<void> check_format(ports::Disk& disk);

}  // namespace troupe::apps
