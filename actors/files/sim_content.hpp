#pragma once
// The files of a simulation: a number and a size say every byte, so that a reader knows what is right.
//
// Shared  files above one chunk share their first chunk with others of their family, so that claims overlap. A number
//         with another size is another file.
// Owner   one world. What was named once stays in memory.
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
inline constexpr std::int64_t kSimFamily = 4;               // numbers with one first chunk

struct SimFile {
  std::int64_t number = 0;
  std::string name;  ///< as it is put: "file-17"
  base::Bytes bytes;
  Cid cid;
  std::vector<ContentKey> chunks;  ///< in order of the file
  std::set<ContentKey> contents;   ///< its manifest and chunks, each once
};

/// The bytes of that file.
base::Bytes sim_bytes(std::int64_t number, std::int64_t bytes);

class SimFiles {
 public:
  /// Valid as long as this object.
  const SimFile& of(std::int64_t number, std::int64_t bytes);
  /// Null for one that was not named yet.
  const SimFile* find(const Cid& cid) const;
  const std::map<Cid, const SimFile*>& all() const { return by_cid_; }
  /// Of all files named, each once, with the files that consist of it.
  const std::map<ContentKey, std::vector<const SimFile*>>& contents() const { return contents_; }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, SimFile> files_;
  std::map<Cid, const SimFile*> by_cid_;
  std::map<ContentKey, std::vector<const SimFile*>> contents_;
};

}  // namespace troupe::files
