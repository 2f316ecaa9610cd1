#pragma once
// Copies of records that searches have found; they answer the next request before it reaches a holder.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.3 (a copy at the nearest node asked that had none).
// Kinds   /pk and /cid, which cannot change. A quorum of old copies of a /kv would hide its next value.
// Time    a copy lasts kCopyMax if this node could be a holder; the more nodes are nearer to the key, the shorter it
//         lasts. It never lasts longer than the original. Time is monotonic, given by the caller.
// Limits  bytes_max, including kCacheEntryBytes per copy; the least recently used copy is evicted. Zero keeps no
//         copies.
// Owner   one head; not thread-safe.
#include <chrono>
#include <optional>

#include "actors/dht/logic/density.hpp"
#include "actors/dht/logic/value_cache.hpp"

namespace troupe::dht {

inline constexpr std::chrono::minutes kCopyMax{60};  // our choice: a record stays readable this long after its last
                                                     // holder dropped it
inline constexpr std::chrono::seconds kCopyMin{10};  // our choice: shorter copies are not worth their memory

class QueryCache {
 public:
  /// `copies`: the number of nodes that store a record.
  QueryCache(const Key& own, std::size_t bytes_max, std::size_t copies)
      : own_(own), bytes_max_(bytes_max), copies_(copies), cache_(bytes_max) {}

  bool on() const { return bytes_max_ > 0; }
  /// Returns whether records of that space may be copied.
  static bool takes(Space space) { return space != Space::kv; }

  /// Returns how long a copy may last here, in a network of that size.
  base::Duration lifetime(const Key& key, NetworkSize size) const;

  /// Keeps a record that is valid at its place, and lasts `lasts` at its origin. Returns false if it was not kept.
  bool put(const RecordKey& place, base::Bytes record, base::Duration lasts, NetworkSize size, base::Instant now);

  struct Copy {
    const base::Bytes& record;
    base::Duration lasts;
  };
  /// Returns the copy, or nullopt; valid until the next non-const call.
  std::optional<Copy> get(const RecordKey& place, base::Instant now);

  std::size_t bytes() const { return cache_.bytes(); }

 private:
  Key own_;
  std::size_t bytes_max_;
  std::size_t copies_;
  ValueCache cache_;
};

}  // namespace troupe::dht
