#pragma once
// The records read or written last, within a bound of bytes: the least recently used goes first.
//
// Order   by use, so that the same questions leave the same records. One above the bound is not kept.
// Owner   Held; not thread-safe.
#include <cstdint>
#include <list>
#include <map>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::dht {

inline constexpr std::size_t kCacheEntryBytes = 192;  // each counts for this beside its own: list, map and allocations

class ValueCache {
 public:
  explicit ValueCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Keeps `value` under `place`, in place of an older one.
  void put(const Place& place, base::Bytes value);

  /// Null if it is not there; valid until the next put() or drop().
  const base::Bytes* get(const Place& place);

  void drop(const Place& place);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Place place;
    base::Bytes value;
  };
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> latest_first_;
  std::map<Place, std::list<Entry>::iterator> by_place_;
};

}  // namespace troupe::dht
