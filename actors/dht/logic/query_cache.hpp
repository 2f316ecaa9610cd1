#pragma once
// Copies of records that searches have found: they answer the next question before it reaches a holder.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.3 (a copy at the nearest node asked that had none).
// Kinds   /pk and /cid, which cannot change. A quorum of old copies of a /kv would hide its next value.
// Time    kCopyMax where the node could be a holder, less the more nodes lie nearer to the key; never longer than the
//         original. Monotonic, given by the caller.
// Limits  bytes_max, kCacheEntryBytes for each copy included; the least recently used goes first. Zero keeps none.
// Owner   one head; not thread-safe.
#include <chrono>
#include <optional>

#include "actors/dht/logic/density.hpp"
#include "actors/dht/logic/value_cache.hpp"

namespace troupe::dht {

inline constexpr std::chrono::minutes kCopyMax{60};  // our choice: what its last holder forgot is found so long
inline constexpr std::chrono::seconds kCopyMin{10};  // our choice: of one that is worth its place

class QueryCache {
 public:
  /// `copies` nodes hold a record.
  QueryCache(const Key& own, std::size_t bytes_max, std::size_t copies)
      : own_(own), bytes_max_(bytes_max), copies_(copies), cache_(bytes_max) {}

  bool on() const { return bytes_max_ > 0; }
  /// Whether there may be copies of what lies in that space.
  static bool takes(Space space) { return space != Space::kv; }

  /// How long a copy may last here, in a network of that size.
  base::Duration lifetime(const Key& key, NetworkSize size) const;

  /// Keeps a record that is valid at its place and found to last `lasts` where it comes from. False: it was not kept.
  bool put(const RecordKey& place, base::Bytes record, base::Duration lasts, NetworkSize size, base::Instant now);

  struct Copy {
    const base::Bytes& record;
    base::Duration lasts;
  };
  /// Valid until the next call that is not const.
  std::optional<Copy> get(const RecordKey& place, base::Instant now);

  std::size_t bytes() const { return cache_.bytes(); }

 private:
  Key own_;
  std::size_t bytes_max_;
  std::size_t copies_;
  ValueCache cache_;
};

}  // namespace troupe::dht
