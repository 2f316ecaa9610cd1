#include "actors/dht/logic/value_cache.hpp"

#include <utility>

namespace troupe::dht {

void ValueCache::put(const RecordKey& place, base::Bytes value, base::Instant until) {
  drop(place);
  if (value.size() + kCacheEntryBytes > bytes_max_) return;
  bytes_ += value.size() + kCacheEntryBytes;
  latest_first_.push_front({place, std::move(value), until});
  by_place_.emplace(place, latest_first_.begin());
  while (bytes_ > bytes_max_) drop(RecordKey(latest_first_.back().place));
}

const base::Bytes* ValueCache::get(const RecordKey& place) {
  const Entry* const found = get(place, base::Instant{});
  return found == nullptr ? nullptr : &found->value;
}

const ValueCache::Entry* ValueCache::get(const RecordKey& place, base::Instant now) {
  const auto found = by_place_.find(place);
  if (found == by_place_.end()) return nullptr;
  if (found->second->until <= now) return drop(place), nullptr;
  latest_first_.splice(latest_first_.begin(), latest_first_, found->second);
  return &*found->second;
}

void ValueCache::drop(const RecordKey& place) {
  const auto found = by_place_.find(place);
  if (found == by_place_.end()) return;
  bytes_ -= found->second->value.size() + kCacheEntryBytes;
  latest_first_.erase(found->second);
  by_place_.erase(found);
}

}  // namespace troupe::dht
