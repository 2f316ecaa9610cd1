#pragma once
// Past changes on a disk: blocks of whole revisions, each with an index that says which keys it may have.
//
// Filter   says of a key "surely not here" or "maybe": 10 bits a change, four of them set, about one false maybe in 80.
// Trust    what the disk gives is checked: sizes, order, revisions within those of the index.
#include <deque>

#include "actors/raft/logic/kv/machine.hpp"

namespace troupe::raft::kv {

inline constexpr std::size_t kBlockPartBytes = std::size_t{512} << 10;  // of a row of the store, half of what it takes
inline constexpr std::size_t kBlockBytesMax = std::size_t{3} << 20;     // our choice: above a largest command

class KeyFilter {
 public:
  KeyFilter() = default;
  explicit KeyFilter(std::size_t keys) : words_((keys * 10 + 63) / 64) {}
  explicit KeyFilter(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void add(std::string_view key);
  /// False: it was surely not added.
  bool maybe(std::string_view key) const;
  const std::vector<std::uint64_t>& words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

struct BlockIndex {
  Revision first, last;
  std::uint32_t changes = 0, parts = 0;
  std::uint64_t bytes = 0;  ///< on the disk
  KeyFilter keys;
};

base::Bytes encode(const BlockIndex& index);
/// Nothing unless the bytes are what encode() makes.
std::optional<BlockIndex> decode_block_index(base::ByteView bytes);

base::Bytes encode(const std::deque<Changed>& changes);
/// Nothing unless they are changes of revisions in order, from `index.first` to `index.last`.
std::optional<std::deque<Changed>> decode_changes(const BlockIndex& index, base::ByteView bytes);

}  // namespace troupe::raft::kv
