#pragma once
// Recently used rows of the state tree, in memory.
//
// Bound    limits the bytes of all rows plus kAroundRow per row. Beyond it, rows are evicted by the CLOCK algorithm
//          (Corbató 1968). The whole bound is used, because a block that lacks one row in memory runs twice.
// Held     while a hold() is active nothing is evicted, so an attempt that needs more rows than the bound completes.
// Buffers  of evicted rows are reused for new rows of about the same size (at most kBufferStep larger). For a block's
//          rows, malloc takes longer than hashing. At most kSpareBytesMax of them are kept in addition to the bound.
// Owner    one thread, also for all returned rows.
#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actors/chain/logic/tree.hpp"

namespace troupe::chain {

/// Hashes with a secret: senders choose addresses, but cannot choose their hashes.
struct RowKeyHash {
  std::uint64_t secret = 0;
  std::size_t operator()(const RowKey& key) const;
};

class RowCache {
 public:
  static constexpr std::size_t kAroundRow = 128;                   // bytes of its entry
  static constexpr std::size_t kBufferStep = 128;                  // our choice
  static constexpr std::size_t kSpareBytesMax = 16 * 1024 * 1024;  // our choice: a large block changes 7 MiB of rows

  explicit RowCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Empties the cache. `secret`: a random number for RowKeyHash.
  void clear(std::uint64_t secret);
  void clear() { clear(rows_.hash_function().secret); }

  /// Returns null if the row is not cached.
  RowBytes find(const RowKey& key);
  /// `bytes` is not null and comes from a buffer(). A row larger than the bound evicts all other rows.
  void put(const RowKey& key, RowBytes bytes);
  void forget(const RowKey& key);
  /// From here on no row is evicted, until each hold() has its let_go().
  void hold() { ++holds_; }
  void let_go() { --holds_; }
  /// Returns a buffer of that size for a new row, with arbitrary content; its capacity is reused.
  std::shared_ptr<base::Bytes> buffer(std::size_t bytes);

  std::size_t size() const { return rows_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    RowBytes bytes;
    bool used = false;  // since the CLOCK hand passed
  };
  using Rows = std::unordered_map<RowKey, Kept, RowKeyHash>;  // the order only decides which rows are read again
  static std::size_t bytes_of(const RowBytes& row) { return row->capacity() + kAroundRow; }
  void take_out(Rows::node_type place);
  void make_room(std::size_t bytes);

  const std::size_t bytes_max_;
  Rows rows_;
  std::size_t bytes_ = 0;
  std::size_t hand_ = 0;  // a bucket
  std::size_t holds_ = 0;
  std::vector<Rows::node_type> spare_places_;
  static constexpr std::size_t kSizes = 33;  // buffer sizes, in steps of kBufferStep; larger buffers are not reused
  std::array<std::vector<std::shared_ptr<base::Bytes>>, kSizes> spare_buffers_;  // by capacity
  std::size_t spare_bytes_ = 0;
};

}  // namespace troupe::chain
