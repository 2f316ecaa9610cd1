#pragma once
// The files of a simulation: a number and a size determine every byte, so that a reader can check it.
//
// Shared  files above one chunk share their first chunk with other files of their family, so that claims overlap. A
//         number with another size is another file.
// Owner   one run. Files stay in memory once they are used.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::files {

inline constexpr std::int64_t kSimFilesMax = 9'999;         // our choice
inline constexpr std::int64_t kSimFileBytesMax = 4u << 20;  // our choice: a few chunks; each is hashed a dozen times
inline constexpr std::int64_t kSimFamily = 4;               // numbers that share a first chunk

struct SimFile {
  std::int64_t number = 0;
  std::string name;  ///< its name in a put: "file-17"
  base::Bytes bytes;
  Cid cid;
  std::vector<ContentKey> chunks;  ///< in order of the file
  std::set<ContentKey> contents;   ///< its manifest and chunks, each once
};

/// Returns the bytes of that file.
base::Bytes sim_bytes(std::int64_t number, std::int64_t bytes);

class SimFiles {
 public:
  /// Returns the file, which is valid as long as this object.
  const SimFile& of(std::int64_t number, std::int64_t bytes);
  /// Returns null for a file that was not used yet.
  const SimFile* find(const Cid& cid) const;
  const std::map<Cid, const SimFile*>& all() const { return by_cid_; }
  /// Returns the objects of all used files, each once, with the files that contain them.
  const std::map<ContentKey, std::vector<const SimFile*>>& contents() const { return contents_; }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, SimFile> files_;
  std::map<Cid, const SimFile*> by_cid_;
  std::map<ContentKey, std::vector<const SimFile*>> contents_;
};

}  // namespace troupe::files
