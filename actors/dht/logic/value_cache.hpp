#pragma once
// The records read or written last, within a bound of bytes: the least recently used goes first.
//
// Time    monotonic, given by the caller. A value that was put until a moment is gone then.
// Owner   Held or QueryCache; not thread-safe.
#include <cstdint>
#include <list>
#include <map>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::size_t kCacheEntryBytes = 192;  // each counts for this beside its own: list, map and allocations

class ValueCache {
 public:
  explicit ValueCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Entry {
    RecordKey place;
    base::Bytes value;
    base::Instant until;
  };

  /// Keeps `value` under `place`, in place of an older one.
  void put(const RecordKey& place, base::Bytes value, base::Instant until = base::Instant::max());

  /// Null if it is not there; valid until the next call that is not const.
  const base::Bytes* get(const RecordKey& place);
  /// The same of what may be over at `now`.
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
