#pragma once
// Files below one root directory, the node's data directory. LevelDB and packs both use it.
//
// Paths   relative to the root, as path_ok() says; anything else is `denied`, as is a symbolic link on the way.
//         The root itself is ".", for list() and sync_directory().
// Safety  a call may block; call it from a thread of your own. Different files may be used from different
//         threads at once, one file from one thread at a time (reads of one file from several are allowed).
// Crash   a write is durable after File::sync(); a created, renamed or removed name after sync_directory().
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
  exists,     ///< a new file was wanted and there is one
  no_space,   ///< the device or a quota is full
  denied,     ///< permissions, or a path that leaves the root
  locked,     ///< another process holds the lock
  io,         ///< the device failed
  gone,       ///< somebody else removed or replaced a file in use or the root; all changes are refused from then on
  too_many,   ///< this process, or the system, has as many open files as it may have
};

std::string_view name(DiskError error);

inline constexpr std::size_t kNameBytesMax = 255;   // NAME_MAX of Linux
inline constexpr std::size_t kPathBytesMax = 1023;  // our choice: far below PATH_MAX, far above the paths in use

/// Whether `path` names something below the root: parts of 1 to kNameBytesMax bytes with one '/' between them,
/// kPathBytesMax in all; no part is "." or ".."; no control characters. Does not access the disk.
bool path_ok(std::string_view path);

template <class T>
using DiskResult = base::Result<T, DiskError>;

class File {
 public:
  virtual ~File() = default;

  /// Reads up to out.size() bytes at `offset`; fewer at the end of the file, zero beyond it.
  virtual DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;

  /// Writes all of `bytes` at the end. After an error the file may hold a part of them: truncate to cut it.
  virtual DiskResult<void> append(base::ByteView bytes) = 0;

  /// Appends `bytes` bytes that will never be read, to occupy space. Here they are drawn from `seed`, so that no file
  /// system can compress them away; a disk in memory may only count them.
  virtual DiskResult<void> fill(std::uint64_t bytes, std::uint64_t seed);

  /// Makes all written bytes durable. After an error the state of the unsynced part is unknown.
  virtual DiskResult<void> sync() = 0;

  /// Cuts the file to its first `bytes`; `denied` if it is shorter than that. Durable after sync().
  virtual DiskResult<void> truncate(std::uint64_t bytes) = 0;
  virtual DiskResult<std::uint64_t> size() const = 0;
};

/// The lock is held as long as the object lives.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

enum class OpenMode : std::uint8_t {
  read,     ///< must exist; append and truncate are `denied`
  append,   ///< made if absent
  create,   ///< must not exist
  replace,  ///< made if absent, emptied if present
};

class Unpacking;  // unpacking.hpp

class Disk {
 public:
  virtual ~Disk() = default;

  virtual DiskResult<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
  /// Atomic; replaces `to` if it exists and is a file.
  virtual DiskResult<void> rename(std::string_view from, std::string_view to) = 0;
  /// Removes a file, or a directory that is empty (else `denied`). Open files stay readable.
  virtual DiskResult<void> remove(std::string_view path) = 0;
  /// Makes the directory and its parents; fine if it is there already. Mode 0700.
  virtual DiskResult<void> make_directory(std::string_view path) = 0;
  virtual DiskResult<void> sync_directory(std::string_view path) = 0;
  /// Names of the entries, without "." and "..", sorted.
  virtual DiskResult<std::vector<std::string>> list(std::string_view path) = 0;
  /// Bytes of a file; a directory is `denied`.
  virtual DiskResult<std::uint64_t> size(std::string_view path) = 0;
  /// Takes the advisory lock on a file, made if absent; `locked` if any process or other holder has it.
  virtual DiskResult<std::unique_ptr<DiskLock>> lock(std::string_view path) = 0;
  /// Lets every id of this machine read and execute a file, and none write it; or read a folder. Where it lies on the
  /// machine, as an absolute path: for a program that is to see it.
  virtual DiskResult<std::string> show(std::string_view path) = 0;
  /// Begins to make the folder `to`, which must not exist, of the tar archive in the file `archive`.
  /// A disk that keeps nothing for programs answers `denied`.
  virtual DiskResult<std::unique_ptr<Unpacking>> unpack(std::string_view archive, std::string_view to);
  /// Bytes that may still be written; less where the device runs out of files first.
  virtual DiskResult<std::uint64_t> free_bytes() = 0;
  /// Checks that the root and the files that are open to write are still where they were opened. Returns the path on
  /// the machine that somebody else removed or replaced, or nullopt. From the first such path on all changes and
  /// free_bytes() are `gone`: what was acknowledged after it would be lost. Reads go through.
  virtual std::optional<std::string> lost() { return std::nullopt; }
};

/// Removes a file, or a folder with all that is in it; a link, and not what it leads to. What cannot be removed stays;
/// the first error tells why.
DiskResult<void> remove_tree(Disk& disk, const std::string& path);

/// The same, some entries at a time.
class TreeRemoval {
 public:
  explicit TreeRemoval(std::string path) { left_.push_back({std::move(path), false}); }
  /// Tries `most` entries more. Whether that was all.
  bool step(Disk& disk, std::size_t most);
  /// The first error so far.
  const DiskResult<void>& outcome() const { return outcome_; }

 private:
  struct Entry {
    std::string path;
    bool listed;  ///< what is in it was tried
  };
  std::vector<Entry> left_;
  DiskResult<void> outcome_;
};

/// Replaces the contents of a file, or makes it: the name changes only once the bytes are durable, and the change is
/// durable when this returns. A crash leaves the old file or the new one.
DiskResult<void> write_durably(Disk& disk, std::string_view name, base::ByteView bytes);

}  // namespace troupe::ports
