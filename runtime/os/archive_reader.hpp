#pragma once
// Reads the entries of an untrusted tar archive, by the rules of runtime/ports/unpacking.hpp. Writes nothing.
//
// Library  libarchive reads the headers, with only tar and no compression enabled. This code checks whether an entry is
//          allowed before it uses memory or disk for the entry's size.
// Memory   at most some MB: a block of the archive, and libarchive's memory for a header. A header gets at most 16 KiB
//          in addition to that block. A sparse map or an ACL ends the reading.
// Owner    one user, one thread; the file must outlive it.
#include <memory>
#include <optional>
#include <string>

#include "runtime/ports/disk.hpp"
#include "runtime/ports/unpacking.hpp"

namespace troupe::os {

struct ArchiveEntry {
  enum class Kind : std::uint8_t {
    folder,
    file,
    link,  ///< symbolic
    same,  ///< another name (hard link) of an earlier file
    none,  ///< makes nothing: a device, a pipe, a socket, or the folder itself
  };
  Kind kind = Kind::file;
  std::string path;         ///< below the folder: valid by ports::path_ok()
  std::string target;       ///< for `link`: any text; for `same`: a path like `path`
  std::uint64_t bytes = 0;  ///< of a file
  bool executable = false;  ///< of a file
};

/// Returns the error `refused`: the quoted name, and why.
base::Error at_fault(const std::string& name, const std::string& why);

class ArchiveReader {
 public:
  explicit ArchiveReader(const ports::File& file);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// Returns the next entry, or nullopt at the end. After an error, call neither next() nor read(). Errors: `refused`,
  /// a sentence that names the entry; `unavailable` if the file cannot be read.
  base::Outcome<std::optional<ArchiveEntry>> next();
  /// Returns the position in the archive.
  std::uint64_t at() const;
  /// Returns further bytes of the file that next() returned, valid until the next call; empty at its end. Errors like
  /// next().
  base::Outcome<base::ByteView> read();

 private:
  struct Source;
  base::Error fault() const;
  std::unique_ptr<Source> source_;
  std::uint64_t entries_ = 0, bytes_ = 0;
  std::string name_;                   // path of the current file
  std::uint64_t size_ = 0, read_ = 0;  // of that file
};

}  // namespace troupe::os
