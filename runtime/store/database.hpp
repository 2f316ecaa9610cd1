#pragma once
// The node's database: LevelDB behind calls that block and return.
//
// Keys      ordered bytes in keyspaces, each known by its name; a keyspace's number is given once and kept.
// Crash     a batch is there whole or not at all. Written with Sync::yes, or before such a one, it is there.
// Error     after `no_space` or `io` from a write its batch may or may not appear after a later restart: LevelDB's
//           log holds an unknown part of it. Until the device takes writes again they are refused, reads go on;
//           the next write that finds room reopens the database and proceeds.
// Corrupt   every block read is checked. A damaged file is named; nothing of it is returned.
// Version   one number for all that is stored, given by the caller; older ones are migrated, newer ones refused.
// Memory    kWriteBufferBytes twice, kBlockCacheBytes, and the indexes of kTablesOpenMax tables (about 50 KiB each).
// Owner     one thread (LevelDB's own one beside it with Background::thread). Nothing that is stored makes it throw.
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
inline constexpr std::size_t kKeyspacesMax = 200;                   // one byte, some kept for later formats
inline constexpr std::size_t kKeyspaceNameBytesMax = 32;            // our choice
inline constexpr std::size_t kReviveBytes = 2 * kWriteBufferBytes;  // a recovered log becomes a table of one buffer

static_assert(kBatchBytesMax <= kWriteBufferBytes);
static_assert(kValueBytesMax + kKeyBytesMax + kChangeBytesExtra <= kBatchBytesMax);

enum class Sync : std::uint8_t {
  no,   ///< a crash may lose it, and all after it
  yes,  ///< on the device when the call returns, and all before it
};

/// A part of a keyspace in the order of keys.
struct Slice {
  std::vector<Row> rows;
  std::optional<base::Bytes> next;  ///< the key to go on from; none at the end
};

class Database;

/// Brings stored data from format `from` to `from + 1`. Must be safe to run again after a crash in its middle.
struct Migration {
  std::uint32_t from;
  std::function<StoreResult<void>(Database&)> run;
};

struct DatabaseOptions {
  Background background = Background::thread;
  std::uint32_t format = 1;  ///< what this version of the program writes
  std::vector<Migration> migrations;
};

class Database {
 public:
  /// Opens the database in the directory `path` of `disk`, made if absent, and migrates it to `options.format`.
  /// `disk` must outlive it. Errors: `locked`, `corrupt`, `format_newer` (also for an older format without a
  /// migration), `no_space`, `io`.
  static StoreResult<std::unique_ptr<Database>> open(ports::Disk& disk, std::string path, DatabaseOptions options);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// The keyspace of that name, made (and synced) at its first use: 1 to kKeyspaceNameBytesMax of a-z 0-9 - . _
  /// Names are constants of the program: another one is a broken invariant. Errors: `too_large` beyond
  /// kKeyspacesMax, and those of write() and get().
  StoreResult<Keyspace> keyspace(std::string_view name);

  /// Errors: `too_large` (nothing was written), `no_space`, `io`, `corrupt`.
  StoreResult<void> write(const Batch& batch, Sync sync);

  /// Writes several batches with one sync. Each is atomic, the group is not. Errors as write(), for the group:
  /// `too_large` has written nothing, after another error any of them may be there.
  StoreResult<void> write_group(std::span<const Batch> batches);

  /// Errors: `not_found`, `corrupt`, `io`.
  StoreResult<base::Bytes> get(const Keyspace& where, base::ByteView key);

  /// The rows from key `from` on (inclusive), of those whose keys begin with `prefix`: at most `rows_max` and
  /// `bytes_max` (keys and values), which count as 1 to kScanRowsMax and kScanBytesMax; at least one row if there
  /// is one. Errors: `corrupt`, `io`.
  StoreResult<Slice> scan(const Keyspace& where, base::ByteView from, std::size_t rows_max, std::size_t bytes_max,
                          base::ByteView prefix = {});

  /// Why writes are refused at present, if they are: for the node's health.
  const std::optional<StoreError>& failure() const { return failure_; }

 private:
  struct Engine;  // LevelDB and what it needs
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
  std::unique_ptr<Engine> engine_;     // none while it could not be opened again
  std::optional<StoreError> failure_;  // of a write; none once a write has succeeded again
};

}  // namespace troupe::store
