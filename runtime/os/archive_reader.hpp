#pragma once
// The entries of a tar archive from outside, as far as runtime/ports/unpacking.hpp takes them. Writes nothing.
//
// Library  libarchive reads the headers; it knows tar alone here, and no compression. What an entry may be is judged
//          here, before anything of its size is taken.
// Memory   some MB at most: a block of the archive, and what libarchive allocates for a header, which gets at most 16
//          KiB in addition to that block. A map of holes or a list of access rights ends the reading.
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
    same,  ///< another name of a file that came before
    none,  ///< it makes nothing: a device, a pipe, a socket, or the folder itself
  };
  Kind kind = Kind::file;
  std::string path;         ///< below the folder: ports::path_ok()
  std::string target;       ///< of `link`: any text; of `same`: a path as above
  std::uint64_t bytes = 0;  ///< of a file
  bool executable = false;  ///< of a file
};

/// `refused`: "NAME" and why.
base::Error at_fault(const std::string& name, const std::string& why);

class ArchiveReader {
 public:
  explicit ArchiveReader(const ports::File& file);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// The next entry; nothing at the end. After an error neither this nor read() may be called.
  /// Errors: `refused`, a sentence that names the entry; `unavailable` if the file cannot be read.
  base::Outcome<std::optional<ArchiveEntry>> next();
  /// Of the archive, read so far.
  std::uint64_t at() const;
  /// The next bytes of the file that next() has given, until the next call; empty at its end. Errors as of next().
  base::Outcome<base::ByteView> read();

 private:
  struct Source;
  base::Error fault() const;
  std::unique_ptr<Source> source_;
  std::uint64_t entries_ = 0, bytes_ = 0;
  std::string name_;                   // of the file at hand
  std::uint64_t size_ = 0, read_ = 0;  // of it
};

}  // namespace troupe::os
