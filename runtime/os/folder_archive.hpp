#pragma once
// Reads a folder of this machine as a tar archive, from its beginning to its end.
//
// Bytes   a folder has exactly one encoding, because the hash of its archive is a content id. Headers are ustar, a
//         folder comes before its entries, entries are sorted by name. Owner and time are 0, modes 0755 (folders,
//         programs) and 0644. A path or target of more than 100 bytes is in a pax header before its entry
//         (POSIX.1-2017, pax, "Extended Header"). A further name of a file is a link to its first name.
// Kept    the entries that runtime/ports/unpacking.hpp accepts, within its limits. Devices, pipes and sockets are left
//         out.
// Change  it is an error if the size or change time of a file differs after it was read.
// Owner   one reader, which reads it once; blocks on the device.
#include <span>
#include <string>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

class FolderArchive {
 public:
  /// Lists the folder. Errors: `not_found`, `refused` (not allowed), `unsupported` if an entry or the whole archive is
  /// above a limit, `internal` if the device failed.
  static base::Outcome<FolderArchive> open(const std::string& folder);

  /// Returns the size of the whole archive.
  std::uint64_t bytes() const { return bytes_; }
  /// Returns the next bytes: as many as fit into `out`, fewer at the end, then zero. Errors like open(), and `conflict`
  /// if a file has changed.
  base::Outcome<std::size_t> read(std::span<std::uint8_t> out);

 private:
  enum class Kind : char { file = '0', same = '1', link = '2', folder = '5' };
  struct Entry {
    Kind kind = Kind::file;
    std::string path, target;
    std::uint64_t bytes = 0;
    bool executable = false;
  };
  class Listing;
  FolderArchive() = default;
  static std::string head_of(const Entry& entry);
  base::Outcome<void> begin_next();
  base::Outcome<std::size_t> read_file(std::span<std::uint8_t> out);

  std::string folder_;
  std::vector<Entry> entries_;
  std::uint64_t bytes_ = 0;
  std::size_t next_ = 0;  // entry
  bool ended_ = false;
  std::string ready_;  // headers and padding that are not read yet
  Descriptor file_;    // the file that is being read
  std::uint64_t left_ = 0;
  std::int64_t changed_s_ = 0, changed_ns_ = 0;
};

/// Whether a program whose root is `folder` finds a file at the absolute `path`; links inside the folder are followed.
bool has_file(const std::string& folder, const std::string& path);

}  // namespace troupe::os
