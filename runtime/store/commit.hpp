#pragma once
// One change of rows and blobs, as views into the caller's bytes.
//
// Order   Rows change in their order in the commit. An id that is both kept and dropped stays.
// Limits  kKeyBytesMax and kValueBytesMax per row, kBlobBytesMax per blob, kCommitBytesMax for the bytes that one
//         commit writes into the database. A commit above a limit is `malformed`, because the same commit will fail
//         again.
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/store/batch.hpp"
#include "runtime/store/pack_format.hpp"

namespace troupe::store {

inline constexpr std::size_t kBlobBytesMax = 2 * 1024 * 1024;  // messages/store.capnp: Blob
inline constexpr std::size_t kGroupRowBytes = 64;              // the row that the store adds to each group
inline constexpr std::size_t kCommitBytesMax = kBatchBytesMax - kGroupRowBytes;  // a group is one batch
inline constexpr std::size_t kDeletionPutBytesMax = 256 * 1024;  // our choice: 2,000 rows that record what is deleted

static_assert(kBlobBytesMax <= kRecordBytesMax);

struct Commit {
  struct Row {
    std::string_view keyspace;
    base::ByteView key;
    std::optional<base::ByteView> value;  // none: erase
  };
  struct Blob {
    base::Digest id;
    base::ByteView bytes;
  };
  std::vector<Row> rows;
  std::vector<Blob> keep;
  std::vector<base::Digest> drop;

  /// Returns whether the commit is a deletion: it keeps no blob, and puts at most as many rows as it erases rows and
  /// drops blobs, with at most kDeletionPutBytesMax bytes. The rows that a deletion puts may record work left to do.
  bool deletes() const;
  /// Returns the maximum of bytes that the commit writes into the database, as Batch counts them.
  std::size_t batch_bytes() const;
  /// Checks the commit. Errors: `malformed` above a limit or with an invalid keyspace name, `refused` for a keyspace
  /// that the store itself uses.
  base::Outcome<void> check() const;
};

/// Checks the name of a keyspace. Errors: as Commit::check().
base::Outcome<void> check_keyspace(std::string_view name);

}  // namespace troupe::store
