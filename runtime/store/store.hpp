#pragma once
// Rows and blobs of one node that change together: a Database, the Packs, and the index between them.
//
// Commit   add() gathers commits into a group; flush() makes the group durable: one sync of the packs, then one synced
//          batch of the database with rows and index. So no row is stored before its blob, and a group is stored whole
//          or not at all.
// Read     Reads see only durable data, not gathered commits.
// Doubt    After a failed write of the database, nothing is written until it is known whether the group was written.
// Free     The bytes of a dropped blob are dead. tidy() removes dead packs, and copies live records out of packs that
//          are one third dead.
// Full     Blobs are refused below `reserve_bytes` of free space, rows below half of that, deletions (commit.hpp) below
//          an eighth. To open and to delete, the store may remove the ballast (ballast.hpp).
// Owner    One thread. All calls block on the device. Reasons: README.md, "Rows and blobs together".
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/store/ballast.hpp"
#include "runtime/store/blob_index.hpp"
#include "runtime/store/commit.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/pack.hpp"

namespace troupe::store {

inline constexpr std::uint64_t kTidyBytesMin = 1024 * 1024;        // our choice: less is not worth two syncs
inline constexpr std::size_t kCountRows = 4096;                    // our choice: some milliseconds
inline constexpr std::size_t kCheckBlobsMax = 256;                 // our choice: their ids fit the response
inline constexpr std::uint64_t kCheckBytesMax = 16 * 1024 * 1024;  // our choice: other callers wait for one slice
inline constexpr std::uint64_t kRowsReservePart = 2;               // of the reserve: rows are refused below half of it
inline constexpr std::uint64_t kEraseReservePart = 8;              // an eighth of 32 MiB: one table of the database

struct StoreOptions {
  std::uint64_t pack_bytes_max = kPackBytesMax;
  std::uint64_t reserve_bytes = kReserveBytes;
  std::uint64_t tidy_bytes_min = kTidyBytesMin;  ///< dead bytes that make compacting a pack worthwhile
  std::uint64_t ballast_bytes = kBallastBytes;   ///< zero: no ballast
};

struct StoreUsage {
  std::uint64_t blobs = 0;
  std::uint64_t blob_bytes = 0;
  std::uint64_t dead_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< of the device; zero if unknown
  std::uint64_t ballast_bytes = 0;
  bool counted = false;  ///< whether the first three fields are complete
  std::string failure;   ///< why writes are refused at present; empty: they are accepted
  std::size_t damages = 0;
};

/// Damage that was found and is not repaired.
struct StoreDamage {
  std::size_t places = 0;
  std::map<std::string, std::string> files;  ///< the damage by file name, for people
  bool blobs = false;                        ///< whether blobs are damaged; they can be put again
};

/// The result of one slice of a check.
struct Checked {
  std::uint64_t checked = 0;
  std::vector<base::Digest> damaged;
  std::optional<base::Bytes> next;  ///< the id to continue from; nullopt at the end
};

/// The result of a step of tidy().
enum class Tidied : std::uint8_t {
  more,    ///< another step has work to do
  done,    ///< there is no work until a blob is dropped
  waits,   ///< as `done`, but there is no space for the ballast at present
  failed,  ///< the device failed; a later call may work
};

class Store {
 public:
  /// Opens or makes database and packs in `directory` of `disk`, which must outlive the store. `seed` comes from
  /// ports::Chance. Removes the ballast if there is no space to open. Errors: as Database::open() and Packs::open().
  static StoreResult<std::unique_ptr<Store>> open(ports::Disk& disk, const std::string& directory,
                                                  Background background, std::uint64_t seed, StoreOptions options = {});
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Returns whether the commit fits into the current group; otherwise call flush() first.
  bool fits(const Commit& commit) const;
  /// Returns whether either the commit or the current group may use the ballast, but not both: in one group, neither
  /// could.
  bool mixes(const Commit& commit) const;
  /// Adds the commit to the current group; its blobs are written, but not yet durable. Errors: as Commit::check(),
  /// `no_space`, `unavailable`, `corrupt`. After an error the commit is not part of the group.
  base::Outcome<void> add(const Commit& commit);
  /// Returns whether `bytes` bytes of the device stay free once the group and the commit are written; true if that is
  /// unknown.
  bool leaves(const Commit& commit, std::uint64_t bytes);
  /// Makes the group durable. Errors, for the whole group: `no_space`, `unavailable`, `corrupt` (nothing was done),
  /// `unknown_outcome`.
  base::Outcome<void> flush();
  /// Returns the bytes of blobs that were written for the current group.
  std::uint64_t gathered() const { return packs_->unsynced(); }
  /// Returns whether no row or blob waits for flush().
  bool empty() const { return batch_.empty() && changes_.empty(); }

  /// Returns the value of a row. Errors: `not_found`, `corrupt`, `unavailable`; `malformed` and `refused` for a bad
  /// name or key.
  base::Outcome<base::Bytes> get(std::string_view keyspace, base::ByteView key);
  /// As Database::scan(). Errors as get(), without `not_found`.
  base::Outcome<Slice> scan(std::string_view keyspace, base::ByteView from, std::size_t rows_max, std::size_t bytes_max,
                            base::ByteView prefix);
  /// Returns a blob. Errors: `not_found`, `corrupt`, `unavailable`.
  base::Outcome<base::Bytes> read(const base::Digest& id);
  base::Outcome<bool> has(const base::Digest& id);
  /// Reads the blobs from id `from` on: kCheckBlobsMax or about kCheckBytesMax of them. Errors: `corrupt` if the index
  /// is corrupt, `unavailable`.
  base::Outcome<Checked> check(base::ByteView from);

  /// Does a part of the background work: repairs after a failure, counts after a start, reclaims dead bytes. Do not
  /// call it while a group is gathered.
  Tidied tidy();

  StoreUsage usage();
  /// As in StoreUsage.
  std::string failure();
  StoreDamage damage() const;
  std::size_t keyspaces() const { return keyspaces_.size(); }

 private:
  using Changes = std::map<base::Digest, BlobIndex::Change>;
  /// What a commit needs from the device.
  enum class Need : std::uint8_t {
    deletes,  ///< needs little space; may use the ballast
    little,   ///< rows are erased for blobs that are stored already
    grows,
  };
  struct Doubt {
    std::uint64_t group;
    Changes changes;
  };
  struct Compaction {
    std::uint32_t pack;
    std::uint64_t from = 0;
    Packs::OnDamage on_damage = Packs::OnDamage::stop;
  };

  Store(ports::Disk& disk, std::string directory, std::uint64_t seed, StoreOptions options);

  StoreResult<void> start(Background background);
  StoreResult<std::unique_ptr<Packs>> open_packs();
  StoreResult<Keyspace> keyspace(std::string_view name);
  base::Outcome<Keyspace> domain_keyspace(std::string_view name);

  StoreResult<std::optional<Location>> find(const base::Digest& id);
  StoreResult<void> stage(const base::Digest& id, Changes& staged);
  StoreResult<void> check_room(Need need);
  StoreResult<void> append(const Commit::Blob& blob, BlobIndex::Change& change);

  base::Outcome<void> write(Batch batch, Changes changes, Need need);
  StoreResult<void> resolve(Need need);
  StoreResult<void> resolve();
  StoreResult<void> settle();
  void apply(const Changes& changes);

  // store_account.cpp
  StoreResult<void> load_account();
  StoreResult<void> mark_lost_index();
  StoreResult<void> settle_account();
  void account(Batch& batch, const Changes& changes) const;
  void accounted(const Changes& changes);
  void give_up(const Changes& changes);

  // store_tidy.cpp
  Tidied tidy_packs();
  StoreResult<void> repair();
  StoreResult<void> count();
  StoreResult<void> compare();
  StoreResult<bool> reclaim();
  std::optional<PackInfo> worst_pack() const;
  StoreResult<void> compact();
  StoreResult<void> move(std::span<const Moved> moved);
  StoreResult<bool> damage_is_dead(std::uint32_t pack);

  ports::Disk& disk_;
  std::string directory_;
  StoreOptions options_;
  base::Random seeds_;
  Ballast ballast_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Packs> packs_;
  BlobIndex index_;
  std::map<std::string, Keyspace, std::less<>> keyspaces_;  // of the domains
  std::optional<Keyspace> own_;                             // with the number of the last group
  std::optional<Keyspace> blobs_;                           // id -> Location

  Batch batch_;                // of the current group
  Changes changes_;            // the blobs in it
  Need need_ = Need::deletes;  // the greatest of its commits
  std::uint64_t group_ = 0;
  std::optional<Doubt> doubt_;
  std::optional<StoreError> unresolved_;    // the result of the last attempt to recover from a failed write
  std::optional<StoreError> packs_failed_;  // the failure of a write; nullopt once a write has succeeded
  bool count_failed_ = false;               // the index cannot be read through: nothing is reclaimed
  std::optional<base::Bytes> compared_to_;  // rows up to this key were compared with the reopened packs
  std::optional<Compaction> compaction_;
  std::map<std::uint32_t, std::uint64_t> dropped_;  // bytes of each pack that were dropped on purpose, or are void
  std::set<std::uint32_t> suspect_packs_;  // packs with bytes that were never dropped: rows are lost, so the packs stay
  std::set<std::uint32_t> void_packs_;     // packs for which `dropped_` is ahead of its row
  bool settled_ = false;                   // the account was compared with the count
  /// Packs with live records in damaged places, which cannot be compacted. True: records have been dropped since the
  /// last attempt, so another attempt is worthwhile.
  std::map<std::uint32_t, bool> broken_packs_;
};

}  // namespace troupe::store
