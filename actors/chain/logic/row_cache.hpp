#pragma once
// Rows of the tree in memory: those that were looked at lately.
//
// Bound   the bytes of all rows, with kAroundRow for each. Above it a hand goes round (CLOCK, Corbató 1968): what was
//         looked at since it came by stays for another round, what was not goes. So all of the bound is in use: a block
//         that lacks one row in memory runs twice.
// Held     while anyone holds it nothing goes, so that an attempt which needs more rows than the bound comes to an end.
// Buffers of what is forgotten are used again for new rows, by their size, so that none has more than kBufferStep too
//         many: malloc takes longer for the rows of a block than hashing them. Beside the bound kSpareBytesMax of them
//         are kept.
// Owner   one thread; also of all that it has given out.
#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actors/chain/logic/tree.hpp"

namespace troupe::chain {

/// Who chooses addresses does not know the secret.
struct RowKeyHash {
  std::uint64_t secret = 0;
  std::size_t operator()(const RowKey& key) const;
};

class RowCache {
 public:
  static constexpr std::size_t kAroundRow = 128;                   // bytes of its place
  static constexpr std::size_t kBufferStep = 128;                  // our choice
  static constexpr std::size_t kSpareBytesMax = 16 * 1024 * 1024;  // our choice: a large block changes 7 MiB of rows

  explicit RowCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Empties it. `secret`: a number of chance, of RowKeyHash.
  void clear(std::uint64_t secret);
  void clear() { clear(rows_.hash_function().secret); }

  /// Null if it is not here.
  RowBytes find(const RowKey& key);
  /// `bytes` is not null, and was made as what can be changed: a buffer(). A row above the bound is alone here.
  void put(const RowKey& key, RowBytes bytes);
  void forget(const RowKey& key);
  /// From here on all rows stay, until each hold() has its let_go().
  void hold() { ++holds_; }
  void let_go() { --holds_; }
  /// To write a row of that size to. Its content is overwritten, its capacity is used again.
  std::shared_ptr<base::Bytes> buffer(std::size_t bytes);

  std::size_t size() const { return rows_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    RowBytes bytes;
    bool used = false;  // since the hand came by
  };
  using Rows = std::unordered_map<RowKey, Kept, RowKeyHash>;  // its order decides alone what is read again
  static std::size_t bytes_of(const RowBytes& row) { return row->capacity() + kAroundRow; }
  void take_out(Rows::node_type place);
  void make_room(std::size_t bytes);

  const std::size_t bytes_max_;
  Rows rows_;
  std::size_t bytes_ = 0;
  std::size_t hand_ = 0;  // a bucket
  std::size_t holds_ = 0;
  std::vector<Rows::node_type> spare_places_;
  static constexpr std::size_t kSizes = 33;  // in steps; a larger one is not used again
  std::array<std::vector<std::shared_ptr<base::Bytes>>, kSizes> spare_buffers_;  // by capacity
  std::size_t spare_bytes_ = 0;
};

}  // namespace troupe::chain
