#pragma once
// Payloads in append-only files, found again by their location. Format: pack_format.hpp.
//
// Append   goes to the last pack, the active one; small records are gathered, large ones written from where they lie.
//          Durable after sync(), which covers all appended before it. A full pack is synced before the next begins,
//          so only the last can be torn.
// Start    the last pack's end is cut after its last valid record, never below what is known to be synced; all else
//          that is bad is reported as damage and left. What remains is synced before it may be used.
// Read     checked against the record's checksums and its id; nothing else is ever returned.
// Free     drop() only counts. A pack in which all is dead is removed, which needs no space; the live records of one
//          in which most is dead are copied to the end by compact(), and their new places are the caller's to make
//          durable before the old pack goes.
// Reserve  append() leaves PackOptions::reserve_bytes of the device free, so that the database can still note what
//          is deleted. compact() may use them.
// Failed   an error of append() has stored nothing. An error of sync() voids all since the last sync: their locations
//          mean nothing any more, and other records will lie there. If not even that can be undone, append() and
//          sync() go on failing until the packs are opened anew; reads go on. append() also syncs when a pack is
//          full, and compact() does; if that fails, all is void as well, and no record is taken until sync() was
//          called and has said so.
// Index    is the caller's: which records are live, and how many bytes of each pack are dead.
// Owner    one thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/store/error.hpp"
#include "runtime/store/pack_format.hpp"

namespace troupe::store {

inline constexpr std::uint64_t kPackBytesMax = 256 * 1024 * 1024;  // our choice: compaction copies one at most
inline constexpr std::uint64_t kReserveBytes = 32 * 1024 * 1024;   // several write buffers of the database
inline constexpr std::size_t kGatherBytes = 256 * 1024;            // our choice: one write for many small records
inline constexpr std::size_t kDirectBytes = 64 * 1024;  // our choice: from here a copy costs more than a write
inline constexpr std::size_t kPacksOpenMax = 64;        // our choice: descriptors are shared with links
inline constexpr std::size_t kDamagesMax = 64;          // our choice: a list for people
inline constexpr std::uint64_t kCompactBytes = 16 * 1024 * 1024;  // our choice: other callers wait for one slice
inline constexpr std::size_t kCompactRecords = 4096;              // our choice: one batch of the index

static_assert(kPackBytesMax + record_bytes(kRecordBytesMax) <= UINT32_MAX, "offsets have 32 bits");
static_assert(kCompactRecords * (kLocationBytes + base::Digest::kBytes + 64) <= 4 * 1024 * 1024, "fits a batch");

struct PackOptions {
  std::uint64_t seed = 0;  ///< for salts; from ports::Chance, so that nobody can guess them
  std::uint64_t pack_bytes_max = kPackBytesMax;
  std::uint64_t reserve_bytes = kReserveBytes;
};

/// Bytes of a pack that hold no valid record.
struct Damage {
  enum Kind : std::uint8_t {
    rotten,  ///< among what had been synced: something acknowledged may be lost
    torn,    ///< among what was perhaps never synced: most likely a loss of power
  };
  std::uint32_t pack = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  Kind kind = rotten;

  friend bool operator==(const Damage&, const Damage&) = default;
};

struct PackInfo {
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;  ///< of the file, with what is gathered for it
  std::uint64_t dead = 0;   ///< as drop() and set_dead() counted
  /// Whether no record is live, so that remove() loses nothing.
  bool all_dead() const { return dead + kPackHeaderBytes >= bytes; }
  friend bool operator==(const PackInfo&, const PackInfo&) = default;
};

struct ScanReport {
  std::uint64_t records = 0;
  std::uint64_t damaged_bytes = 0;
  std::vector<Damage> damages;  ///< the first kDamagesMax
};

/// A record that compact() has copied.
struct Moved {
  base::Digest id;
  Location from;
  Location to;
};

struct CompactStep {
  std::uint64_t next = 0;  ///< where to go on
  bool done = false;       ///< the pack is gone
};

class Packs {
 public:
  using Visitor = std::function<void(const base::Digest& id, const Location& where)>;
  using IsLive = std::function<bool(const base::Digest& id, const Location& where)>;
  /// Makes the new places durable in the index.
  using Commit = std::function<StoreResult<void>(std::span<const Moved> moved)>;

  enum class Check : std::uint8_t {
    headers,   ///< fast: payloads are not read
    payloads,  ///< every byte is read
  };
  enum class OnDamage : std::uint8_t {
    stop,  ///< `corrupt`; what was live may be in there
    skip,  ///< the caller has given up or restored what was in there
  };

  /// Opens the packs in `directory` of `disk`, made if absent. Needs no space. `disk` must outlive it.
  /// Errors: `format_newer` if any pack is of an unknown version, `io`. Damage is no error: see damages().
  static StoreResult<std::unique_ptr<Packs>> open(ports::Disk& disk, std::string directory, PackOptions options);

  Packs(const Packs&) = delete;
  Packs& operator=(const Packs&) = delete;

  /// Stores one record: 0 to kRecordBytesMax bytes. May be read at once, is durable after sync().
  /// Errors: `too_large`, `no_space`, `io`.
  StoreResult<Location> append(const base::Digest& id, base::ByteView payload);

  /// Makes all that was appended durable. Errors: `no_space`, `io`; then see "Failed" above.
  StoreResult<void> sync();

  /// Bytes appended since the last sync: what an error of sync() would void.
  std::uint64_t unsynced() const;

  /// The payload of the record at `where`. Errors: `not_found` if there is no such pack, `corrupt` if the record is
  /// damaged or another one lies there, `io`.
  StoreResult<base::Bytes> read(const base::Digest& id, const Location& where);

  /// All packs, by number.
  std::vector<PackInfo> packs() const;

  /// Counts a record as dead: the index no longer has it. Nothing is written.
  void drop(const Location& where);

  /// Counts `bytes` of a pack as dead, as the index knows after a start.
  void set_dead(std::uint32_t pack, std::uint64_t bytes);

  /// Shows each valid record of a pack, in the order of the file, to rebuild an index. Errors: `not_found`, `io`.
  StoreResult<ScanReport> scan(std::uint32_t pack, Check check, const Visitor& visit);

  /// Copies live records of a pack to the end, from offset `from` (at first 0) on: about kCompactBytes or
  /// kCompactRecords of them, then syncs and calls `commit`; at the end of the pack removes it. The active pack is
  /// closed first. Errors: `not_found`, `corrupt` (see OnDamage), `no_space`, `io`, and those of `commit`: what is
  /// committed stays so, the rest is as before, and the step can be repeated.
  StoreResult<CompactStep> compact(std::uint32_t pack, std::uint64_t from, OnDamage on_damage, const IsLive& is_live,
                                   const Commit& commit);

  /// Removes a pack, with whatever is in it. Needs no space. Errors: `not_found`, `io`.
  StoreResult<void> remove(std::uint32_t pack);

  /// What the start found bad in the last pack and in headers of packs, and is there still. At most kDamagesMax.
  const std::vector<Damage>& damages() const { return damages_; }

  /// Bytes that the start cut from the last pack.
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  struct Pack {
    std::uint64_t bytes = 0;
    std::uint64_t dead = 0;
    std::optional<std::uint64_t> salt;  // none: the file header is damaged
    std::unique_ptr<ports::File> file;  // open for reading, or the active one's for appending
  };
  /// Whether append() may use the reserve.
  enum class Reserve : std::uint8_t { keep, use };

  Packs(ports::Disk& disk, std::string directory, PackOptions options);

  StoreResult<void> start();
  StoreResult<void> look_at(std::uint32_t number);
  StoreResult<bool> drop_unfinished(std::uint32_t number);
  StoreResult<void> recover(std::uint32_t number);
  StoreResult<void> begin_pack();
  StoreResult<void> close_active();
  StoreResult<Location> store(const base::Digest& id, base::ByteView payload, Reserve reserve);
  ports::DiskResult<void> write(base::ByteView header, base::ByteView payload);
  StoreResult<void> flush();
  StoreError undo(ports::DiskError why, std::uint64_t to);
  void undo_all();
  StoreResult<void> sync_active();
  StoreResult<void> sync_unasked();
  StoreResult<const ports::File*> reading(std::uint32_t number);
  StoreError failure(ports::DiskError error, std::uint32_t number) const;
  std::string path(std::uint32_t number) const;
  void note(std::vector<Damage>& list, const Damage& damage) const;

  ports::Disk& disk_;
  std::string directory_;
  PackOptions options_;
  base::Random salts_;
  std::map<std::uint32_t, Pack> packs_;
  std::vector<Damage> damages_;
  std::uint64_t cut_bytes_ = 0;

  std::uint32_t active_ = 0;  // number of the pack that grows; zero if none does
  base::Bytes gathered_;      // follows the `written_` bytes of its file
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  std::optional<StoreError> stuck_;   // a failure that could not be undone
  std::optional<StoreError> voided_;  // a failed sync that nobody asked for and sync() has to report
};

}  // namespace troupe::store
