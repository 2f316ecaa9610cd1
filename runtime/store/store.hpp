#pragma once
// Rows and blobs of one node that change together: a Database, the Packs, and the index between them.
//
// Commit   add() gathers, flush() makes all that was gathered durable: one sync of the packs, then one synced batch of
//          the database with the rows and the index. So a blob's row never comes before its bytes, and a group is
//          there whole or not at all.
// Read     sees what is durable, nothing that is only gathered.
// Doubt    a failed write of the database may yet be in its log. Each group carries its number in a row of its own;
//          once the database could be opened again, that row tells. Until then nothing is written or reclaimed: after
//          the first attempt only tidy() tries again, and a deletion that may have the ballast for it.
// Free     a dropped blob's bytes are dead. tidy() removes packs in which all is dead and copies what is live out of
//          those in which most is.
// Full     blobs are refused below `reserve_bytes` of free space, rows below a half of it, deletions (commit.hpp) below
//          an eighth. What is free others may fill, so a ballast (ballast.hpp) is kept as well: opening and deletions
//          give it up where there is no room for them, and are tried once more. Nothing else may; tidy() makes it anew.
//          So a device without a free byte is read after a restart, and what is on it can be deleted.
// Damage   is remembered by id, and told. A damaged blob that is kept again is stored anew.
// Owner    one thread. All calls block on the device.
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
inline constexpr std::size_t kCheckBlobsMax = 256;                 // our choice: their ids fit the answer
inline constexpr std::uint64_t kCheckBytesMax = 16 * 1024 * 1024;  // our choice: other callers wait for one slice
inline constexpr std::uint64_t kRowsReservePart = 2;               // of the reserve: refused below a half
inline constexpr std::uint64_t kEraseReservePart = 8;              // with 32 MiB of it: a table of the database

struct StoreOptions {
  std::uint64_t pack_bytes_max = kPackBytesMax;
  std::uint64_t reserve_bytes = kReserveBytes;
  std::uint64_t tidy_bytes_min = kTidyBytesMin;  ///< dead bytes of a pack that are worth copying the rest
  std::uint64_t ballast_bytes = kBallastBytes;   ///< zero: none
};

struct StoreUsage {
  std::uint64_t blobs = 0;
  std::uint64_t blob_bytes = 0;
  std::uint64_t dead_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< of the device; zero if it does not say
  std::uint64_t ballast_bytes = 0;
  bool counted = false;  ///< whether the first three are complete
  std::string failure;   ///< why writes are refused at present; empty: they are not
  std::size_t damages = 0;
};

/// What was found bad and is not good again.
struct StoreDamage {
  std::size_t places = 0;
  std::map<std::string, std::string> files;  ///< by their names: what is wrong, for people
  bool blobs = false;                        ///< whether blobs are among it, which can be kept anew
};

/// What one slice of a check found.
struct Checked {
  std::uint64_t checked = 0;
  std::vector<base::Digest> damaged;
  std::optional<base::Bytes> next;  ///< the id to go on from; none at the end
};

/// What a step of tidy() came to.
enum class Tidied : std::uint8_t {
  more,    ///< there is more to do
  done,    ///< nothing is to be done until something is dropped
  waits,   ///< as `done`, but for the ballast, for which there is no room at present
  failed,  ///< the device does not let it; later may work
};

class Store {
 public:
  /// Opens or makes both in the directory of `disk`, which must outlive it. `seed` from ports::Chance.
  /// Gives up the ballast if there is no room to open. Errors: those of Database::open() and Packs::open().
  static StoreResult<std::unique_ptr<Store>> open(ports::Disk& disk, const std::string& directory,
                                                  Background background, std::uint64_t seed, StoreOptions options = {});
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Whether the commit finds room in the group at hand; if not, flush() first.
  bool fits(const Commit& commit) const;
  /// Whether only one of the two, the commit and the group at hand, may have the ballast: together neither may.
  bool mixes(const Commit& commit) const;
  /// Adds it to the group at hand; its blobs are written, not yet durable. Errors: those of Commit::check(),
  /// `no_space`, `unavailable`, `corrupt`; then it is no part of the group.
  base::Outcome<void> add(const Commit& commit);
  /// Makes the group durable. Errors concern all of it: `no_space`, `unavailable`, `corrupt` (nothing was done),
  /// `unknown_outcome`.
  base::Outcome<void> flush();
  /// Bytes of blobs that were written for the group at hand.
  std::uint64_t gathered() const { return packs_->unsynced(); }
  /// Whether no row or blob waits for flush().
  bool empty() const { return batch_.empty() && changes_.empty(); }

  /// Errors: `not_found`, `corrupt`, `unavailable`; `malformed` and `refused` for a bad name or key.
  base::Outcome<base::Bytes> get(std::string_view keyspace, base::ByteView key);
  /// As Database::scan(). Errors as get(), without `not_found`.
  base::Outcome<Slice> scan(std::string_view keyspace, base::ByteView from, std::size_t rows_max, std::size_t bytes_max,
                            base::ByteView prefix);
  /// Errors: `not_found`, `corrupt`, `unavailable`.
  base::Outcome<base::Bytes> read(const base::Digest& id);
  base::Outcome<bool> has(const base::Digest& id);
  /// Reads the blobs from id `from` on: kCheckBlobsMax or about kCheckBytesMax of them. Errors: `corrupt` if the index
  /// itself is, `unavailable`.
  base::Outcome<Checked> check(base::ByteView from);

  /// Does a part of what nobody waits for: repairs after a failure, counts after a start, reclaims what is dead.
  /// Not while a group is gathered.
  Tidied tidy();

  StoreUsage usage();
  /// As in StoreUsage.
  std::string failure();
  StoreDamage damage() const;
  std::size_t keyspaces() const { return keyspaces_.size(); }

 private:
  using Changes = std::map<base::Digest, BlobIndex::Change>;
  /// What a commit takes of the device.
  enum class Need : std::uint8_t {
    deletes,  ///< little, and may have the ballast for it
    little,   ///< rows are erased beside blobs that are stored already
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
  std::map<std::string, Keyspace, std::less<>> keyspaces_;  // of domains
  std::optional<Keyspace> own_;                             // the number of the last group
  std::optional<Keyspace> blobs_;                           // id -> Location

  Batch batch_;                // of the group at hand
  Changes changes_;            // the blobs in it
  Need need_ = Need::deletes;  // the greatest of its commits
  std::uint64_t group_ = 0;
  std::optional<Doubt> doubt_;
  std::optional<StoreError> unresolved_;    // what the last attempt to go on after a failed write came to
  std::optional<StoreError> packs_failed_;  // of a write; none once one has succeeded
  bool count_failed_ = false;               // the index cannot be read through: nothing is reclaimed
  std::optional<base::Bytes> compared_to_;  // rows up to here were compared with packs that were opened anew
  std::optional<Compaction> compaction_;
  std::map<std::uint32_t, std::uint64_t> dropped_;  // bytes of each pack that were given up on purpose, or void
  std::set<std::uint32_t> suspect_packs_;           // with bytes that nobody gave up: rows are lost, the packs stay
  std::set<std::uint32_t> void_packs_;              // of which `dropped_` is ahead of its row
  bool settled_ = false;                            // the account was compared with the count
  /// With live records in damaged places: they stay as they are. True: records have gone since, so it is worth a try.
  std::map<std::uint32_t, bool> broken_packs_;
};

}  // namespace troupe::store
