#pragma once
// Which records of the packs are live: what the rows id -> Location of the database add up to.
//
// Count    begins anew at each start: slices of rows in the order of their ids, while commits go on. A change behind
//          the last slice counts at once, one before it when its slice comes.
// Dead     whatever no row names, also what a crash left without its row. Known once the count is complete; nothing
//          is written for it, since the rows say it.
// Damage   at most kDamagedMax ids are remembered: those whose row or record was found bad. One that is stored anew or
//          dropped is good again.
// Owner    one Store; not thread-safe.
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
  /// What changed about one blob: where it was and where it is; none: it is not stored.
  struct Change {
    std::optional<Location> before;
    std::optional<Location> after;
  };

  /// Counts the next slice of rows. `packs` tells which locations cannot be, `rotten` which places are known to be bad;
  /// the ids of both are damaged.
  void count(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  bool complete() const { return complete_; }
  /// Of rows that are counted: notes those whose location cannot be, or is bad, by now.
  void compare(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten);
  /// Where the next slice begins.
  const base::Bytes& counted_to() const { return counted_to_; }

  /// Notes a change that is durable. `before` must be what earlier changes left.
  void apply(const base::Digest& id, const Change& change);

  /// Notes that a blob was found bad, in that pack; none: its row is bad.
  void note_damaged(const base::Digest& id, std::optional<std::uint32_t> pack);
  bool damaged(const base::Digest& id) const { return damaged_.contains(id); }
  /// All that are, and in which pack.
  const std::map<base::Digest, std::optional<std::uint32_t>>& damaged() const { return damaged_; }
  /// Rows that name no id.
  std::size_t rows_broken() const { return rows_broken_; }

  std::uint64_t blobs() const { return blobs_; }
  /// Bytes of payload.
  std::uint64_t bytes() const { return bytes_; }
  /// Bytes of a pack that no row names, without its header. Zero until the count is complete.
  std::uint64_t dead(const PackInfo& pack) const;
  /// Bytes of a pack that rows name.
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
  std::size_t rows_broken_ = 0;  // rows of the index that are none
};

}  // namespace troupe::store
