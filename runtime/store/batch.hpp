#pragma once
// Changes of several keys in one or more keyspaces, applied together or not at all.
//
// Limits  kKeyBytesMax, kValueBytesMax, kBatchBytesMax. If a change exceeds them, write() later refuses the batch as
//         `too_large`, so callers check only the result of write().
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

inline constexpr std::size_t kGetRowsMax = 256;                 // our choice: rows of one request
inline constexpr std::size_t kKeyBytesMax = 1024;               // our choice: ids, paths and numbers are far shorter
inline constexpr std::size_t kValueBytesMax = 1024 * 1024;      // our choice: larger things belong into packs
inline constexpr std::size_t kBatchBytesMax = 4 * 1024 * 1024;  // LevelDB's write buffer: one batch, one memtable
inline constexpr std::size_t kChangeBytesExtra = 16;            // overhead of a change, in addition to key and value

/// A domain's part of the database, returned by Database::keyspace(). Only a caller that has the Keyspace can read or
/// write its rows.
class Keyspace {
 public:
  friend bool operator==(const Keyspace&, const Keyspace&) = default;

 private:
  friend class Database;
  friend class Batch;
  explicit Keyspace(std::uint8_t number) : number_(number) {}

  /// Returns the key as LevelDB sees it.
  std::string full(base::ByteView key) const;

  std::uint8_t number_;  // the first byte of each of its keys
};

class Batch {
 public:
  /// Adds a write of `key` (0 to kKeyBytesMax bytes) with `value` (0 to kValueBytesMax). A later change of the same key
  /// wins.
  Batch& put(const Keyspace& where, base::ByteView key, base::ByteView value);

  /// Adds an erasure of `key`, which need not exist.
  Batch& erase(const Keyspace& where, base::ByteView key);

  bool empty() const { return changes_.empty(); }
  /// Returns the bytes that count towards kBatchBytesMax.
  std::size_t bytes() const { return bytes_; }

 private:
  friend class Database;
  struct Change {
    std::string key;
    std::optional<std::string> value;  // none: erase
  };
  void add(const Keyspace& where, base::ByteView key, std::optional<std::string> value);

  std::vector<Change> changes_;
  std::size_t bytes_ = 0;
  std::string beyond_;  // which limit was exceeded, if any
};

}  // namespace troupe::store
