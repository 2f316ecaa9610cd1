#pragma once
// One change of rows and blobs, as views into whoever holds the bytes.
//
// Order   rows change in their order. An id that is both kept and dropped stays.
// Limits  kKeyBytesMax and kValueBytesMax a row, kBlobBytesMax a blob, kCommitBytesMax for what one commit writes into
//         the database; beyond them it is `malformed`, as the same commit will fail again.
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/store/batch.hpp"
#include "runtime/store/pack_format.hpp"

namespace troupe::store {

inline constexpr std::size_t kBlobBytesMax = 2 * 1024 * 1024;  // messages/store.capnp: Blob
inline constexpr std::size_t kGroupRowBytes = 64;              // the store's own row beside each group
inline constexpr std::size_t kCommitBytesMax = kBatchBytesMax - kGroupRowBytes;  // a group is one batch
inline constexpr std::size_t kDeletionPutBytesMax = 256 * 1024;  // our choice: notes of what is deleted, 2000 rows

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

  /// Whether it is there to delete: keeps no blob, and puts no more rows than it erases rows and drops blobs, nor more
  /// than kDeletionPutBytesMax of them. Who deletes has to note what is still to be done about it.
  bool deletes() const;
  /// What it writes into the database at most, as Batch counts it.
  std::size_t batch_bytes() const;
  /// Errors: `malformed` beyond a limit or with a bad name of a keyspace, `refused` for one of the store's own.
  base::Outcome<void> check() const;
};

/// Errors: those of Commit::check() that concern the name of a keyspace.
base::Outcome<void> check_keyspace(std::string_view name);

}  // namespace troupe::store
