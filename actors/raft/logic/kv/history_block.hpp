#pragma once
// Past changes on a disk: blocks of whole revisions, each with an index that says which keys it may have.
//
// Filter  answers "certainly absent" or "maybe" for a key. It has 10 bits per change, and each key sets four. About 1
//         of 80 absent keys gets the answer "maybe".
// Trust   data from the disk is checked: sizes, order, and revisions within those of the index.
#include <deque>

#include "actors/raft/logic/kv/machine.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kBlockPartBytes = std::size_t{512} << 10;  // per row of the store: half of a row's limit
inline constexpr std::size_t kBlockBytesMax = std::size_t{3} << 20;     // our choice: more than the largest command

class KeyFilter {
 public:
  KeyFilter() = default;
  explicit KeyFilter(std::size_t keys) : words_((keys * 10 + 63) / 64) {}
  explicit KeyFilter(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void add(std::string_view key);
  /// Returns false only if the key was certainly not added.
  bool maybe(std::string_view key) const;
  const std::vector<std::uint64_t>& words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

struct BlockIndex {
  Revision first, last;
  std::uint32_t changes = 0, parts = 0;
  std::uint64_t bytes = 0;  ///< on disk
  KeyFilter keys;
};

base::Bytes encode(const BlockIndex& index);
/// Returns nullopt unless the bytes are canonical.
std::optional<BlockIndex> decode_block_index(base::ByteView bytes);

base::Bytes encode(const std::deque<Changed>& changes);
/// Returns nullopt unless they are changes in order of revision, from `index.first` to `index.last`.
std::optional<std::deque<Changed>> decode_changes(const BlockIndex& index, base::ByteView bytes);

}  // namespace troupe::raft::kv
