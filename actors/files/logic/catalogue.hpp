#pragma once
// The files that this node owns, the holders of each object, and the claims that are still to be released.
//
// Put     its id is written before the first store, and removed with its entry or its abandonment.
// Remove  the entry is removed at once. Each node that ever got a claim for the file is asked to release it until it
//         confirms, or until kReleaseTriesFor has passed.
// Order   plan, write and sync, then apply(). Plans change nothing; the next plan is made after apply().
// Limits  CatalogueLimits; an object takes about 250 bytes of memory.
// Owner   one actor; not thread-safe.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/rows.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::chrono::hours kReleaseTriesFor{
    7 * 24};  // our choice: a node that is away for a week need not be notified

struct CatalogueLimits {
  std::size_t entries_max = 16'384;     // our choice: about 10 MiB of memory
  std::size_t contents_max = 1u << 18;  // our choice: 256 GiB in chunks of 1 MiB, about 64 MiB of memory
  std::size_t puts_max = 64;            // at once; our choice
  std::size_t releases_max = 65'536;    // our choice; beyond that the oldest is given up
};

/// One file that this node claims.
struct Entry {
  Cid cid;
  std::string name;  ///< passes check_name
  std::uint64_t bytes = 0;
  std::uint32_t chunks = 0;    ///< in the manifest, including repetitions
  std::uint32_t replicas = 0;  ///< wanted, 1 to kReplicasMax
  bool pinned = false;
  std::optional<base::WallTime> expires;  ///< whole seconds
  base::WallTime added;                   ///< whole seconds

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// The holders of one object of a file: nodes that confirmed that they have synced it under this node's claim.
struct HeldContent {
  ContentKey key;
  std::vector<base::NodeId> holders;  ///< at most kReplicasMax
  friend bool operator==(const HeldContent&, const HeldContent&) = default;
};

/// How long a holder keeps this node's data: it responded on `day` (since 1970, in UTC), and ends the claims after
/// `days` without contact.
struct Kept {
  std::uint32_t day = 0;
  std::uint16_t days = 0;
  friend bool operator==(const Kept&, const Kept&) = default;
};

/// A claim of this node that another node is to end.
struct Release {
  ClaimKind kind = ClaimKind::file;
  base::Digest name;
  base::NodeId node;
  friend bool operator==(const Release&, const Release&) = default;
  /// Puts come first: a claim for a file is ended for good only once no put can create it again.
  friend auto operator<=>(const Release& one, const Release& other) {
    return std::tie(other.kind, one.name, one.node) <=> std::tie(one.kind, other.name, other.node);
  }
};

enum class CatalogueError : std::uint8_t {
  not_found,  ///< this node has no such file
  full,       ///< a limit of CatalogueLimits is reached
  bad_name,   ///< the name does not pass check_name
};

class Catalogue {
 public:
  explicit Catalogue(const CatalogueLimits& limits = {}) : limits_(limits) {}

  /// Loads one row at start. Error: `corrupt`; the row is not used.
  base::Result<void, RowError> load(const Row& row);
  /// Returns, after the last row, the rows without an entry, which are to be erased: a put was interrupted between its
  /// batches.
  Change leftovers() const;

  void apply(const Change& change);

  /// Begins a put.
  base::Result<Change, CatalogueError> plan_put(const PutId& put, base::WallTime now) const;
  /// Ends a successful put. The holders of `contents` (the manifest and each chunk once) have bound their claims. Nodes
  /// that may have stored something but did not confirm the bind are `unbound`, and are to release it. A file that is
  /// already listed gets the new name and settings, and keeps its holders.
  base::Result<Change, CatalogueError> plan_add(const PutId& put, const Entry& entry,
                                                std::span<const HeldContent> contents,
                                                std::span<const base::NodeId> unbound, base::WallTime now) const;
  /// Ends a put that failed or was interrupted: `nodes`, which may have stored objects for it, are to release its
  /// claims.
  Change plan_abandon(const PutId& put, std::span<const base::NodeId> nodes, base::WallTime now) const;

  /// Plans to remove a file. Error: `not_found`.
  base::Result<Change, CatalogueError> plan_remove(const Cid& cid, base::WallTime now) const;
  base::Result<Change, CatalogueError> plan_pin(const Cid& cid, bool pinned) const;

  /// Records that `node` has synced the object under this node's claim. A full list of holders first drops one of
  /// `absent`, or does not change if no holder is absent. If the file was removed since, the node is to release the
  /// claim again.
  Change plan_held(const Cid& cid, const ContentKey& key, const base::NodeId& node,
                   std::span<const base::NodeId> absent, base::WallTime now) const;
  /// Records that `node` is about to get a claim for the file. A removal of the file must end this claim, an earlier
  /// release must not.
  Change plan_claim_at(const Cid& cid, const base::NodeId& node) const;
  /// Records that only `holders` (at most kReplicasMax) have the object.
  Change plan_holders(const Cid& cid, const ContentKey& key, std::span<const base::NodeId> holders) const;
  /// Records that `node` has responded. Writes nothing if it has already responded on that day.
  Change plan_kept(const base::NodeId& node, const Kept& kept) const;
  /// Records that the node confirmed the end of the claim.
  Change plan_released(const Release& release) const;

  /// Returns claims to end, at most `max`, in order after `after`, wrapping around.
  std::vector<Release> releases(std::size_t max, const std::optional<Release>& after) const;
  /// Returns the releases to erase: releases that were tried for kReleaseTriesFor, and the oldest beyond releases_max.
  Change plan_give_up(base::WallTime now) const;

  const std::map<Cid, Entry>& entries() const { return entries_; }
  const Entry* find(const Cid& cid) const;
  /// Returns when the file's first holder ends its copies without further contact, or nullopt if no holder has named
  /// its days.
  std::optional<base::WallTime> copies_end(const Cid& cid) const;
  /// Returns the holders of an object; empty if unknown. Valid until the next apply().
  const std::vector<base::NodeId>& holders(const Cid& cid, const ContentKey& key) const;
  /// Returns a file's objects with their holders; empty if unknown.
  const std::map<ContentKey, std::vector<base::NodeId>>& contents(const Cid& cid) const;
  /// Returns the nodes that ever got a claim for the file.
  const std::set<base::NodeId>& claimed_at(const Cid& cid) const;
  /// Returns puts that have neither ended nor been abandoned.
  const std::map<PutId, base::WallTime>& puts() const { return puts_; }
  std::size_t contents_count() const { return contents_count_; }
  std::size_t releases_count() const { return releases_.size(); }
  /// Returns the nodes that must still be notified that a put is over.
  std::set<base::NodeId> nodes_with_puts_to_release() const;
  /// Checks the invariants of all rows together. Scans every file.
  void check() const;

 private:
  bool write(const Row& row);
  bool erase(base::ByteView key);

  const CatalogueLimits limits_;
  std::map<Cid, Entry> entries_;
  std::map<Cid, std::map<ContentKey, std::vector<base::NodeId>>> contents_;
  std::map<Cid, std::set<base::NodeId>> claimed_at_;
  std::map<PutId, base::WallTime> puts_;
  std::map<base::NodeId, Kept> kept_;
  std::map<Release, base::WallTime> releases_;
  std::size_t contents_count_ = 0;
};

}  // namespace troupe::files
