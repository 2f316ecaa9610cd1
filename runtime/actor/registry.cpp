#include "runtime/actor/registry.hpp"

#include <algorithm>
#include <vector>

namespace troupe::runtime {

bool Registry::add(Listing listing) {
  if (size_.load(std::memory_order_relaxed) >= kActorsMax) return false;
  Shard& home = shard(listing.path);
  Listing replaced;  // released after the lock, for it may hold the last reference
  const std::lock_guard hold(home.lock);
  const auto [place, fresh] = home.by_path.try_emplace(listing.path);
  if (fresh) size_.fetch_add(1, std::memory_order_relaxed);
  else replaced = std::move(place->second);
  place->second = std::move(listing);
  return true;
}

void Registry::remove(std::string_view path, const Record* record) {
  Handle last;  // released after the lock, for it may be the last reference
  Shard& home = shard(path);
  const std::lock_guard hold(home.lock);
  const auto place = home.by_path.find(path);
  if (place == home.by_path.end() || place->second.record.get() != record) return;
  last = std::move(place->second.handle);
  home.by_path.erase(place);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

Handle Registry::find(std::string_view path) const {
  const Shard& home = shard(path);
  const std::lock_guard hold(home.lock);
  const auto place = home.by_path.find(path);
  return place == home.by_path.end() ? Handle{} : place->second.handle;
}

void Registry::walk(const std::function<bool(const Listing&)>& show) const {
  std::vector<Listing> slice;
  for (const Shard& home : shards_) {
    std::string after;
    do {
      slice.clear();
      {
        const std::lock_guard hold(home.lock);
        auto place = after.empty() ? home.by_path.begin() : home.by_path.upper_bound(after);
        for (; place != home.by_path.end() && slice.size() < kSliceMax; ++place) slice.push_back(place->second);
      }
      for (const Listing& listing : slice)
        if (!show(listing)) return;
      if (!slice.empty()) after = slice.back().path;
    } while (slice.size() == kSliceMax);
  }
}

bool valid_path_part(std::string_view name) {
  constexpr std::size_t kPartBytesMax = 200;
  if (name.empty() || name.size() > kPartBytesMax || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

}  // namespace troupe::runtime
