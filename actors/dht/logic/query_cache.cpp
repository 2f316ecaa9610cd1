#include "actors/dht/logic/query_cache.hpp"

#include <algorithm>

namespace troupe::dht {

base::Duration QueryCache::lifetime(const Key& key, NetworkSize size) const {
  const std::uint64_t nearer = expected_within(base::distance(own_, key), size);
  const std::uint64_t times = std::clamp<std::uint64_t>(nearer / copies_, 1, kCopyMax / kCopyMin);
  return base::Duration(kCopyMax) / static_cast<std::int64_t>(times);
}

bool QueryCache::put(const RecordKey& place, base::Bytes record, base::Duration lasts, NetworkSize size,
                     base::Instant now) {
  const base::Duration life = std::min(lasts, lifetime(place.key, size));
  if (!on() || !takes(place.space) || life <= base::Duration::zero()) return false;
  const std::size_t bytes = record.size() + kCacheEntryBytes;
  cache_.put(place, std::move(record), now + life);
  return bytes <= bytes_max_;
}

std::optional<QueryCache::Copy> QueryCache::get(const RecordKey& place, base::Instant now) {
  const ValueCache::Entry* const found = cache_.get(place, now);
  if (found == nullptr) return std::nullopt;
  return Copy{found->value, found->until - now};
}

}  // namespace troupe::dht
