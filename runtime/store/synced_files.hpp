#pragma once
// What a database's log and manifest must still hold when it is opened again: a small file in the root of the disk.
//
// Why     LevelDB takes a log that is missing, empty, cut or zeroed for a log that a crash cut before its first sync.
//         So what a node has acknowledged could vanish, and the node would start as if it had never been.
// File    "store-db.synced" for the database "store/db": in the root, so that it outlives the directory. It begins with
//         kSyncedMagic; each entry has 24 bytes, little-endian: number of the file (8), synced bytes (8; zero: the file
//         may go), kind (4: 1 log, 2 manifest), CRC-32C of the 20 bytes before. The last entry of a
//         file counts; the first bad entry ends the list.
// Power   no false alarm: an entry is written after the sync that it speaks of, and is durable before its file is
//         removed or emptied. Entries are not synced otherwise: a power failure may lose the latest of them, and with
//         them only strictness.
// Stale   if CURRENT names a manifest with a higher number than all entries, a program without this file has had the
//         database since: nothing is required.
// Full    an entry that cannot be written is left out. If a file is to go and that cannot be noted, the record is
//         removed, which needs no space.
// Threads any, but for check().
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/store/error.hpp"

namespace troupe::store {

inline constexpr std::string_view kSyncedMagic = "troupe synced 1\n";
inline constexpr std::size_t kSyncedEntryBytes = 24;
inline constexpr std::size_t kSyncedEntriesMax = 8'192;  // our choice: 192 KiB, then the record is written again

class SyncedFiles {
 public:
  /// `database`: the path of its directory on `disk`, which must outlive this object.
  SyncedFiles(ports::Disk& disk, std::string database);
  SyncedFiles(const SyncedFiles&) = delete;
  SyncedFiles& operator=(const SyncedFiles&) = delete;

  /// Reads the record, and compares the files with it. Errors: `corrupt` if one lacks what was synced; `io`.
  StoreResult<void> check();

  /// Notes that the first `bytes` of the log or manifest `path` are on the device. Other files are ignored.
  void synced(std::string_view path, std::uint64_t bytes);
  /// Call it before the file is removed or emptied. False if it must not be: the record would ask for it.
  bool forget(std::string_view path);

 private:
  struct File {
    std::uint32_t kind = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const File&, const File&) = default;
  };
  static std::optional<File> file_of(std::string_view path);
  std::string path_of(const File& file) const;
  static void put(base::Bytes& out, const File& file, std::uint64_t bytes);

  StoreResult<void> read();
  StoreResult<bool> stale() const;
  StoreResult<void> compare(const File& file, std::uint64_t bytes) const;
  bool append(const File& file, std::uint64_t bytes);
  bool write_all();
  StoreError lacks(const File& file, std::uint64_t expected, const std::string& what) const;

  ports::Disk& disk_;
  const std::string database_;
  const std::string record_;
  std::mutex mutex_;
  std::map<File, std::uint64_t> files_;
  std::unique_ptr<ports::File> open_;  // none until the first entry, and after an entry that could not be written
  std::size_t entries_ = 0;
};

}  // namespace troupe::store
