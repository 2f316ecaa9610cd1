#pragma once
// The node's database: LevelDB behind calls that block and return.
//
// Keys      Ordered bytes in keyspaces. A keyspace has a name, and a number that is assigned once and kept.
// Crash     A batch survives whole or not at all. It survives if it, or a later batch, was written with Sync::yes.
// Error     After a write has failed with `no_space` or `io`, its batch may or may not appear after a later restart,
//           because LevelDB's log has an unknown part of it. Writes are refused until the device accepts them again;
//           reads continue. The next write that finds space reopens the database and proceeds.
// Corrupt   The checksum of every block is verified as it is read. The error names the damaged file; no damaged data is
//           returned.
// Version   One number for all stored data, given by the caller. Older versions are migrated, newer versions refused.
// Memory    kWriteBufferBytes twice, kBlockCacheBytes, and the indexes of kTablesOpenMax tables (about 50 KiB each).
// Owner     One thread, plus LevelDB's thread with Background::thread. No stored bytes make it throw.
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/disk.hpp"
#include "runtime/store/background.hpp"
#include "runtime/store/batch.hpp"
#include "runtime/store/error.hpp"
#include "runtime/store/logic/row_change.hpp"

namespace troupe::store {

inline constexpr std::size_t kWriteBufferBytes = 4 * 1024 * 1024;   // LevelDB's default
inline constexpr std::size_t kBlockCacheBytes = 8 * 1024 * 1024;    // LevelDB's default
inline constexpr int kTablesOpenMax = 128;                          // our choice: 256 MiB of tables; more are reopened
inline constexpr std::size_t kScanRowsMax = 4096;                   // our choice: a slice is worth some milliseconds
inline constexpr std::size_t kScanBytesMax = 4 * 1024 * 1024;       // our choice: one message can carry a slice
inline constexpr std::size_t kKeyspacesMax = 200;                   // one byte, some reserved for later formats
inline constexpr std::size_t kKeyspaceNameBytesMax = 32;            // our choice
inline constexpr std::size_t kReviveBytes = 2 * kWriteBufferBytes;  // a recovered log becomes a table of one buffer

static_assert(kBatchBytesMax <= kWriteBufferBytes);
static_assert(kValueBytesMax + kKeyBytesMax + kChangeBytesExtra <= kBatchBytesMax);

enum class Sync : std::uint8_t {
  no,   ///< a crash may lose this and all later writes
  yes,  ///< this and all earlier writes are on the device when the call returns
};

/// A part of a keyspace, in key order.
struct Slice {
  std::vector<Row> rows;
  std::optional<base::Bytes> next;  ///< the key to continue from; nullopt at the end
};

class Database;

/// Migrates stored data from format `from` to `from + 1`. Must be safe to run again after a crash during the migration.
struct Migration {
  std::uint32_t from;
  std::function<StoreResult<void>(Database&)> run;
};

struct DatabaseOptions {
  Background background = Background::thread;
  std::uint32_t format = 1;  ///< the format that this version of the program writes
  std::vector<Migration> migrations;
};

class Database {
 public:
  /// Opens the database in the directory `path` of `disk`, made if absent, and migrates it to `options.format`. `disk`
  /// must outlive it. Errors: `locked`, `corrupt`, `format_newer` (also for an older format without a migration),
  /// `no_space`, `io`.
  static StoreResult<std::unique_ptr<Database>> open(ports::Disk& disk, std::string path, DatabaseOptions options);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Returns the keyspace of that name, made (and synced) at its first use. A name has 1 to kKeyspaceNameBytesMax of
  /// a-z 0-9 - . _ and is a constant of the program: any other name is a broken invariant. Errors: `too_large` above
  /// kKeyspacesMax, and as write() and get().
  StoreResult<Keyspace> keyspace(std::string_view name);

  /// Writes a batch. Errors: `too_large` (nothing was written), `no_space`, `io`, `corrupt`.
  StoreResult<void> write(const Batch& batch, Sync sync);

  /// Writes several batches with one sync. Each batch is atomic, but the group is not. Errors as write(), for the whole
  /// group: after `too_large` nothing was written; after another error any of the batches may be stored.
  StoreResult<void> write_group(std::span<const Batch> batches);

  /// Returns the value of a key. Errors: `not_found`, `corrupt`, `io`.
  StoreResult<base::Bytes> get(const Keyspace& where, base::ByteView key);

  /// Returns the rows from key `from` on (inclusive) whose keys begin with `prefix`: at most `rows_max` rows and
  /// `bytes_max` bytes (keys and values), which are limited to kScanRowsMax and kScanBytesMax. Returns at least one row
  /// if there is one. Errors: `corrupt`, `io`.
  StoreResult<Slice> scan(const Keyspace& where, base::ByteView from, std::size_t rows_max, std::size_t bytes_max,
                          base::ByteView prefix = {});

  /// Returns why writes are refused at present, or nullopt: for the node's health.
  const std::optional<StoreError>& failure() const { return failure_; }

 private:
  struct Engine;  // LevelDB and its dependencies
  Database(ports::Disk& disk, std::string path, DatabaseOptions options);

  StoreResult<void> start();
  StoreResult<void> check_format();
  StoreResult<void> ready();
  StoreResult<void> revive();
  StoreResult<std::optional<std::uint8_t>> number_of(std::string_view name, std::set<std::uint8_t>& taken);
  StoreResult<void> commit(std::span<const Batch> batches, Sync sync);

  ports::Disk& disk_;
  std::string path_;
  DatabaseOptions options_;
  std::unique_ptr<Engine> engine_;     // null while it could not be reopened
  std::optional<StoreError> failure_;  // of a write; nullopt once a write has succeeded again
};

}  // namespace troupe::store
