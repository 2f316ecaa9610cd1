#pragma once
// The directory of a node: created, locked, and in a format that this program knows.
//
// Files   format (a number and a line end), LOCK, identity.key, config.toml, control.sock. Files of the domains:
//         store/, log/, NAME.synced (runtime/store/synced_files.hpp). Files of the ledger: chain, validator and
//         validator.lock (apps/chain/founding.hpp).
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps {

/// The format that this program writes. A change needs a migration from the previous format.
inline constexpr unsigned kDataFormat = 1;

struct DataDirectory {
  std::string path;
  std::unique_ptr<ports::Disk> disk;
  std::unique_ptr<ports::DiskLock> lock;  ///< held until the node has ended
};

/// Opens and locks the directory. Creates it (0700), its parents and its format file if they do not exist. Blocks on
/// the disk. Fails with exit 1 if the device fails or another process has locked the directory. Fails also if the
/// directory belongs to a user other than this user and root, or other users may write to it or read its key. Fails
/// also if its format is newer or unreadable, or if it has data without an identity or a format.
base::Result<DataDirectory, Failure> open_data_directory(const std::string& path);

/// Returns the bytes of a file of the directory, or nullopt if there is no such file. Errors: `corrupt` if it has more
/// than `bytes_max` bytes; the errors of the device.
base::Outcome<std::optional<base::Bytes>> kept_file(ports::Disk& disk, std::string_view name, std::size_t bytes_max);

/// Checks the format file of a directory, or writes it if there is none.
base::Outcome<void> check_format(ports::Disk& disk);

}  // namespace troupe::apps
