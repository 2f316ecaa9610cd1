#pragma once
// Payloads in append-only files, the packs, read by their location. Format: pack_format.hpp.
//
// Append   Records go to the last pack, the active pack; they are durable after sync(), which covers all records
//          appended before.
// Read     A record is checked against its checksums and its id; unchecked bytes are never returned.
// Free     drop() only counts; remove() deletes a dead pack, compact() first copies the live records of a pack.
// Failed   A failed append() has stored nothing. A failed sync() voids all records appended since the last sync: their
//          locations are invalid.
// Index    The caller keeps the index: which records are live, and how many bytes of each pack are dead.
// Owner    One thread.
// Why      README.md, "How packs behave": start after a crash, reserve, void records, and calls after a failure.
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

/// Our choice. Compaction copies at most two thirds of a pack, and needs that much space above the reserve;
/// left_free.hpp leaves enough for it. A store of 256 GiB has 4,096 packs.
inline constexpr std::uint64_t kPackBytesMax = 64 * 1024 * 1024;
inline constexpr std::uint64_t kReserveBytes = 32 * 1024 * 1024;  // several write buffers of the database
inline constexpr std::size_t kGatherBytes = 256 * 1024;           // our choice: one write for many small records
inline constexpr std::size_t kDirectBytes = 64 * 1024;            // our choice: above it a copy costs more than a write
inline constexpr std::size_t kPacksOpenMax = 64;                  // our choice: descriptors are shared with links
inline constexpr std::size_t kDamagesMax = 64;                    // our choice: a list for people
inline constexpr std::uint64_t kCompactBytes = 16 * 1024 * 1024;  // our choice: other callers wait for one slice
inline constexpr std::size_t kCompactRecords = 4096;              // our choice: one batch of the index

static_assert(kPackBytesMax + record_bytes(kRecordBytesMax) <= UINT32_MAX, "offsets have 32 bits");
static_assert(kCompactRecords * (kLocationBytes + base::Digest::kBytes + 64) <= 4 * 1024 * 1024, "fits a batch");

struct PackOptions {
  std::uint64_t seed = 0;  ///< for salts; from ports::Chance, so that salts cannot be guessed
  std::uint64_t pack_bytes_max = kPackBytesMax;
  std::uint64_t reserve_bytes = kReserveBytes;
};

/// Bytes of a pack that hold no valid record.
struct Damage {
  enum Kind : std::uint8_t {
    rotten,  ///< synced bytes are bad: acknowledged data may be lost
    torn,    ///< bytes that were perhaps never synced are bad: probably after a power failure
  };
  std::uint32_t pack = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  Kind kind = rotten;

  friend bool operator==(const Damage&, const Damage&) = default;
};

struct PackInfo {
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;  ///< of the file, gathered bytes included
  std::uint64_t dead = 0;   ///< as drop() and set_dead() counted
  /// Returns whether no record of the pack is live, so that remove() loses nothing.
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
  std::uint64_t next = 0;  ///< where to continue
  bool done = false;       ///< the pack is gone
};

class Packs {
 public:
  using Visitor = std::function<void(const base::Digest& id, const Location& where)>;
  using IsLive = std::function<bool(const base::Digest& id, const Location& where)>;
  /// A function of the caller that makes the new locations durable in the index.
  using Commit = std::function<StoreResult<void>(std::span<const Moved> moved)>;

  enum class Check : std::uint8_t {
    headers,   ///< fast: payloads are not read
    payloads,  ///< every byte is read
  };
  enum class OnDamage : std::uint8_t {
    stop,  ///< fail with `corrupt`; live records may be damaged
    skip,  ///< the caller has given up or restored the damaged records
  };

  /// Opens the packs in `directory` of `disk`, which is made if absent. Needs no space. `disk` must outlive the packs.
  /// Errors: `format_newer` if any pack has an unknown version, `io`. Damage is not an error: see damages().
  static StoreResult<std::unique_ptr<Packs>> open(ports::Disk& disk, std::string directory, PackOptions options);

  Packs(const Packs&) = delete;
  Packs& operator=(const Packs&) = delete;

  /// Stores a record of 0 to kRecordBytesMax bytes. The record can be read at once and is durable after sync(). Errors:
  /// `too_large`, `no_space`, `io`.
  StoreResult<Location> append(const base::Digest& id, base::ByteView payload);

  /// Makes all appended records durable. Errors: `no_space`, `io`; then see "Failed" above.
  StoreResult<void> sync();

  /// Returns the bytes appended since the last sync, which a failed sync() would void.
  std::uint64_t unsynced() const;

  /// Returns the payload of the record at `where`. Errors: `not_found` if there is no such pack, `corrupt` if the
  /// record is damaged or another record is there, `io`.
  StoreResult<base::Bytes> read(const base::Digest& id, const Location& where);

  /// Returns all packs, by number.
  std::vector<PackInfo> packs() const;

  /// Lets later records go to a new pack, whose number is above `number` and above all packs' numbers. Errors: as for
  /// sync().
  StoreResult<void> begin_after(std::uint32_t number);

  /// Counts a record as dead, because the index no longer has it. Writes nothing.
  void drop(const Location& where);

  /// Sets the dead bytes of a pack, as counted from the index after a start.
  void set_dead(std::uint32_t pack, std::uint64_t bytes);

  /// Passes each valid record of a pack, in file order, to `visit`, to rebuild an index. Errors: `not_found`, `io`.
  StoreResult<ScanReport> scan(std::uint32_t pack, Check check, const Visitor& visit);

  /// Appends copies of live records of a pack, from offset `from` (at first 0): about kCompactBytes or kCompactRecords
  /// of them. Then it syncs and calls `commit`; at the end of the pack it removes the pack. If the pack is active, it
  /// is closed first. Errors: `not_found`, `corrupt` (see OnDamage), `no_space`, `io`, and `commit`'s errors. After an
  /// error, committed records stay committed, the rest is as before, and the step can be repeated.
  StoreResult<CompactStep> compact(std::uint32_t pack, std::uint64_t from, OnDamage on_damage, const IsLive& is_live,
                                   const Commit& commit);

  /// Removes a pack and all its records. Needs no space. Errors: `not_found`, `io`.
  StoreResult<void> remove(std::uint32_t pack);

  /// Returns damage that was found at the start, in the last pack and in headers of packs, and that still exists. At
  /// most kDamagesMax.
  const std::vector<Damage>& damages() const { return damages_; }

  /// Returns how many bytes were cut from the last pack at the start.
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  struct Pack {
    std::uint64_t bytes = 0;
    std::uint64_t dead = 0;
    std::optional<std::uint64_t> salt;  // nullopt: the file header is damaged
    std::unique_ptr<ports::File> file;  // open for reading, or for appending if the pack is active
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

  std::uint32_t active_ = 0;  // number of the active pack; zero if there is none
  std::uint32_t after_ = 0;   // the next pack has a larger number
  base::Bytes gathered_;      // bytes of the active pack that follow the `written_` bytes of its file
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  std::optional<StoreError> stuck_;   // a failure that could not be undone
  std::optional<StoreError> voided_;  // a failed sync inside append() or compact(), which sync() has to report
};

}  // namespace troupe::store
