#pragma once
// The most recently used records, up to a number of bytes; the least recently used record is evicted.
//
// Time    monotonic, given by the caller. A value with an end is gone from that time on.
// Owner   Held or QueryCache; not thread-safe.
#include <cstdint>
#include <list>
#include <map>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::size_t kCacheEntryBytes = 192;  // overhead per entry: list, map and allocations

class ValueCache {
 public:
  explicit ValueCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Entry {
    RecordKey place;
    base::Bytes value;
    base::Instant until;
  };

  /// Keeps `value` under `place`, replacing an older value.
  void put(const RecordKey& place, base::Bytes value, base::Instant until = base::Instant::max());

  /// Returns the value, or null if there is none; valid until the next non-const call.
  const base::Bytes* get(const RecordKey& place);
  /// Returns the entry, or null if there is none or its end is before `now`.
  const Entry* get(const RecordKey& place, base::Instant now);

  void drop(const RecordKey& place);
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> latest_first_;
  std::map<RecordKey, std::list<Entry>::iterator> by_place_;
};

}  // namespace troupe::dht
