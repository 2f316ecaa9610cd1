#pragma once
// Changes of several keys, in one keyspace or more, that happen together or not at all.
//
// Limits  kKeyBytesMax, kValueBytesMax, kBatchBytesMax. What is beyond is noted when it is added and refused
//         (`too_large`) when the batch is written, so that callers check once.
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

inline constexpr std::size_t kGetRowsMax = 256;                 // our choice: rows that are asked for at once
inline constexpr std::size_t kKeyBytesMax = 1024;               // our choice: ids, paths and numbers are far shorter
inline constexpr std::size_t kValueBytesMax = 1024 * 1024;      // our choice: larger things belong into packs
inline constexpr std::size_t kBatchBytesMax = 4 * 1024 * 1024;  // LevelDB's write buffer: one batch, one memtable
inline constexpr std::size_t kChangeBytesExtra = 16;            // what a change costs beside its key and value

/// One domain's part of the database, got by name from Database::keyspace(). Who has none of a name cannot read or
/// write what is under it.
class Keyspace {
 public:
  friend bool operator==(const Keyspace&, const Keyspace&) = default;

 private:
  friend class Database;
  friend class Batch;
  explicit Keyspace(std::uint8_t number) : number_(number) {}

  /// The key as LevelDB sees it.
  std::string full(base::ByteView key) const;

  std::uint8_t number_;  // the first byte of each of its keys
};

class Batch {
 public:
  /// `key` 0 to kKeyBytesMax bytes, `value` 0 to kValueBytesMax. A later change of the same key wins.
  Batch& put(const Keyspace& where, base::ByteView key, base::ByteView value);

  /// Fine if there is no such key.
  Batch& erase(const Keyspace& where, base::ByteView key);

  bool empty() const { return changes_.empty(); }
  /// What is counted against kBatchBytesMax.
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
  std::string beyond_;  // which limit was passed, if any
};

}  // namespace troupe::store
