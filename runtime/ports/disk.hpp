#pragma once
// Files below one root directory, the node's data directory. LevelDB and packs both use it.
//
// Paths   relative to the root, valid by path_ok(). Other paths, and paths through a symbolic link, are `denied`. The
//         root itself is ".", for list() and sync_directory().
// Safety  calls may block; make them on the actor's own thread. Several threads may use different files at once, and
//         several may read one file; otherwise one thread at a time may use a file.
// Crash   a write is durable after File::sync(); the creation, renaming or removal of a name after sync_directory().
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::ports {

enum class DiskError : std::uint8_t {
  not_found,  ///< no such file or directory
  exists,     ///< a file that must not exist yet exists
  no_space,   ///< the device or a quota is full
  denied,     ///< no permission, or a path that leaves the root
  locked,     ///< another process holds the lock
  io,         ///< the device failed
  gone,       ///< another program removed or replaced a file in use or the root; from then on all changes are refused
  too_many,   ///< this process, or the system, has reached its limit of open files
};

std::string_view name(DiskError error);

inline constexpr std::size_t kNameBytesMax = 255;   // NAME_MAX of Linux
inline constexpr std::size_t kPathBytesMax = 1023;  // our choice: far below PATH_MAX, far above the paths in use

/// Whether `path` names something below the root: parts of 1 to kNameBytesMax bytes with one '/' between them, at most
/// kPathBytesMax bytes in all; no part is "." or ".."; no control characters. Does not access the disk.
bool path_ok(std::string_view path);

template <class T>
using DiskResult = base::Result<T, DiskError>;

class File {
 public:
  virtual ~File() = default;

  /// Reads up to out.size() bytes at `offset`, and returns their number: fewer at the end of the file, zero beyond it.
  virtual DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;

  /// Appends `bytes`. After an error the file may contain a part of them, which truncate() removes.
  virtual DiskResult<void> append(base::ByteView bytes) = 0;

  /// Appends `bytes` bytes that will never be read, to occupy space. On a disk they are drawn from `seed`, so that no
  /// file system can compress them. A disk in memory may only count them.
  virtual DiskResult<void> fill(std::uint64_t bytes, std::uint64_t seed);

  /// Makes all written bytes durable. After an error it is unknown which of the unsynced bytes are durable.
  virtual DiskResult<void> sync() = 0;

  /// Cuts the file to its first `bytes`; `denied` if it is shorter. Durable after sync().
  virtual DiskResult<void> truncate(std::uint64_t bytes) = 0;
  virtual DiskResult<std::uint64_t> size() const = 0;
};

/// The lock of a file; held as long as this object lives.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

enum class OpenMode : std::uint8_t {
  read,     ///< must exist; append and truncate are `denied`
  append,   ///< created if absent
  create,   ///< must not exist
  replace,  ///< created if absent, emptied if present
};

class Unpacking;  // unpacking.hpp

class Disk {
 public:
  virtual ~Disk() = default;

  virtual DiskResult<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
  /// Renames atomically; replaces `to` if it exists and is a file.
  virtual DiskResult<void> rename(std::string_view from, std::string_view to) = 0;
  /// Removes a file or an empty directory (a directory with entries is `denied`). Open files stay readable.
  virtual DiskResult<void> remove(std::string_view path) = 0;
  /// Creates the directory and its parents, with mode 0700; succeeds if it exists already.
  virtual DiskResult<void> make_directory(std::string_view path) = 0;
  virtual DiskResult<void> sync_directory(std::string_view path) = 0;
  /// Returns the names of the entries, without "." and "..", sorted.
  virtual DiskResult<std::vector<std::string>> list(std::string_view path) = 0;
  /// Returns the size of a file in bytes; a directory is `denied`.
  virtual DiskResult<std::uint64_t> size(std::string_view path) = 0;
  /// Takes the advisory lock on a file, which is created if absent; `locked` if any process or other user has it.
  virtual DiskResult<std::unique_ptr<DiskLock>> lock(std::string_view path) = 0;
  /// Lets every user of this machine read and execute a file, and no user write it; or read a folder. Returns the
  /// absolute path on the machine, for programs that may see it.
  virtual DiskResult<std::string> show(std::string_view path) = 0;
  /// Starts to unpack the tar archive in the file `archive` into the folder `to`, which must not exist. A disk without
  /// storage for programs returns `denied`.
  virtual DiskResult<std::unique_ptr<Unpacking>> unpack(std::string_view archive, std::string_view to);
  /// Returns the bytes that may still be written; fewer if the device runs out of files first.
  virtual DiskResult<std::uint64_t> free_bytes() = 0;
  /// Checks that the root and the files open for writing are still where they were opened. Returns the machine's path
  /// that another program removed or replaced, or nullopt. Once a path is lost, all changes and free_bytes() return
  /// `gone`, because acknowledged writes would be lost. Reads still work.
  virtual std::optional<std::string> lost() { return std::nullopt; }
};

/// Removes a file, or a folder with its contents; of a link, only the link itself. Entries that cannot be removed stay;
/// the result is the first error.
DiskResult<void> remove_tree(Disk& disk, const std::string& path);

/// Removes a tree like remove_tree(), some entries at a time.
class TreeRemoval {
 public:
  explicit TreeRemoval(std::string path) { left_.push_back({std::move(path), false}); }
  /// Tries up to `most` further entries. Returns true if no entry is left to try.
  bool step(Disk& disk, std::size_t most);
  /// Returns the first error so far.
  const DiskResult<void>& outcome() const { return outcome_; }

 private:
  struct Entry {
    std::string path;
    bool listed;  ///< removal of its entries was tried
  };
  std::vector<Entry> left_;
  DiskResult<void> outcome_;
};

/// Replaces the contents of a file, or creates it. The name changes only once the bytes are durable, and the change is
/// durable when this returns. A crash leaves the old file or the new file.
DiskResult<void> write_durably(Disk& disk, std::string_view name, base::ByteView bytes);

}  // namespace troupe::ports
