#pragma once
// Which records of the packs are live: the sum of the database's rows id -> Location.
//
// Count    Starts from scratch at each start: slices of rows in the order of their ids, while commits continue. A
//          change of an id before the last slice's end counts at once, a change of a later id when its slice is
//          counted.
// Dead     Every record that no row names, also a record that a crash left without its row. Known once the count is
//          complete. Nothing is written for it, because the rows imply it.
// Damage   At most kDamagedMax ids are remembered: those with a bad row or record. An id that is stored again or
//          dropped is no longer damaged.
// Owner    One Store; not thread-safe.
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "runtime/store/database.hpp"
#include "runtime/store/pack.hpp"

namespace troupe::store {

inline constexpr std::size_t kDamagedMax = 4096;  // our choice: beyond it the store is lost rather than damaged

class BlobIndex {
 public:
  /// A blob's location before and after a change; nullopt: it is not stored.
  struct Change {
    std::optional<Location> before;
    std::optional<Location> after;
  };

  /// Counts the next slice of rows. `packs` shows which locations are impossible, `rotten` which places are known to be
  /// bad; the ids of both are damaged.
  void count(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  bool complete() const { return complete_; }
  /// For counted rows: notes those whose location is impossible or bad now.
  void compare(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  /// Returns where the next slice begins.
  const base::Bytes& counted_to() const { return counted_to_; }

  /// Notes a change that is durable. `before` must be what earlier changes left.
  void apply(const base::Digest& id, const Change& change);

  /// Notes that a blob was found bad in that pack; nullopt: its row is bad.
  void note_damaged(const base::Digest& id, std::optional<std::uint32_t> pack);
  bool damaged(const base::Digest& id) const { return damaged_.contains(id); }
  /// Returns all damaged ids, each with its pack.
  const std::map<base::Digest, std::optional<std::uint32_t>>& damaged() const { return damaged_; }
  /// Returns the number of rows whose key is not an id.
  std::size_t rows_broken() const { return rows_broken_; }

  std::uint64_t blobs() const { return blobs_; }
  /// Returns the bytes of all payloads.
  std::uint64_t bytes() const { return bytes_; }
  /// Returns the bytes of a pack that no row names, without its header. Zero until the count is complete.
  std::uint64_t dead(const PackInfo& pack) const;
  /// Returns the bytes of a pack that rows name.
  std::uint64_t live(std::uint32_t pack) const;

 private:
  void add(const Location& where);
  void subtract(const Location& where);
  bool counted(const base::Digest& id) const;

  bool complete_ = false;
  base::Bytes counted_to_;
  std::map<std::uint32_t, std::uint64_t> live_;
  std::uint64_t blobs_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<base::Digest, std::optional<std::uint32_t>> damaged_;
  std::size_t rows_broken_ = 0;  // invalid rows of the index
};

}  // namespace troupe::store
