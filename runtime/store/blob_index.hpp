#pragma once
// Which records of the packs are live, counted from the database's rows id -> Location.
//
// Count    The rows are counted again at each start: in slices in the order of their ids, while commits continue. A
//          change of an id before the last slice's end counts at once, a change of a later id when its slice is
//          counted.
// Dead     A record that no row names is dead, also if a crash left it without its row. The dead bytes are known once
//          the count is complete; they are not stored, because they follow from the rows.
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

  /// Counts the next slice of rows. An id is damaged if its location is impossible by `packs`, or known to be bad by
  /// `rotten`.
  void count(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  bool complete() const { return complete_; }
  /// Records which of these counted rows have a location that is now impossible or bad.
  void compare(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  /// Returns where the next slice begins.
  const base::Bytes& counted_to() const { return counted_to_; }

  /// Applies a durable change. `before` must be the result of earlier changes.
  void apply(const base::Digest& id, const Change& change);

  /// Records that a blob is bad in that pack; nullopt: that its row is bad.
  void note_damaged(const base::Digest& id, std::optional<std::uint32_t> pack);
  bool damaged(const base::Digest& id) const { return damaged_.contains(id); }
  /// Returns all damaged ids, each with its pack, or nullopt for a bad row.
  const std::map<base::Digest, std::optional<std::uint32_t>>& damaged() const { return damaged_; }
  /// Returns the number of rows whose key is not an id.
  std::size_t rows_broken() const { return rows_broken_; }

  std::uint64_t blobs() const { return blobs_; }
  /// Returns the bytes of all payloads.
  std::uint64_t bytes() const { return bytes_; }
  /// Returns the bytes of a pack that no row names, without the pack's header. Zero until the count is complete.
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
