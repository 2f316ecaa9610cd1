#pragma once
// A small file that records which bytes a database's log and manifest must still have when they are opened again.
//
// Why     LevelDB treats a missing, empty, cut or zeroed log like a log that a crash cut before its first sync. So
//         acknowledged writes could vanish, and the node would start as if they had never happened.
// File    "store-db.synced" for the database "store/db"; in the root, so that it survives if the directory is lost.
// Power   A power failure causes no false alarm: an entry is written after the sync that it describes, and an entry for
//         a removal is durable before its file is removed or emptied. Other entries are not synced: if a power failure
//         loses the latest, the check is only weaker.
// Stale   If CURRENT names a manifest above all entries, a program that does not write this file has used the database
//         since. Then nothing is required.
// Full    An entry that cannot be written is skipped; if it is for a removal, the whole record is removed instead.
// Threads Any, except for check().
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/store/error.hpp"

namespace troupe::store {

// The file begins with kSyncedMagic. Each entry has 24 bytes, little-endian: number of the file (8), synced bytes (8;
// zero: the file may be removed), kind (4: 1 log, 2 manifest), CRC-32C of the 20 bytes before. A file's last entry
// counts; the first bad entry ends the list.
inline constexpr std::string_view kSyncedMagic = "troupe synced 1\n";
inline constexpr std::size_t kSyncedEntryBytes = 24;
inline constexpr std::size_t kSyncedEntriesMax = 8'192;  // our choice: 192 KiB, then the record is rewritten

class SyncedFiles {
 public:
  /// `database`: the path of its directory on `disk`, which must outlive this object.
  SyncedFiles(ports::Disk& disk, std::string database);
  SyncedFiles(const SyncedFiles&) = delete;
  SyncedFiles& operator=(const SyncedFiles&) = delete;

  /// Reads the record and compares the files with it. Errors: `corrupt` if a file lacks synced bytes, `io`.
  StoreResult<void> check();

  /// Records that the first `bytes` bytes of the log or manifest `path` are on the device. Other files are ignored.
  void synced(std::string_view path, std::uint64_t bytes);
  /// Call it before the file is removed or emptied. Returns false if the file must stay, because the record still
  /// requires it.
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
  std::unique_ptr<ports::File> open_;  // null until the first entry, and after an entry that could not be written
  std::size_t entries_ = 0;
};

}  // namespace troupe::store
