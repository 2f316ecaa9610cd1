#include "runtime/actor/registry.hpp"

#include <algorithm>
#include <vector>

namespace troupe::runtime {

bool Registry::add(Listing listing) {
  if (size_.load(std::memory_order_relaxed) >= kActorsMax) return false;
  Shard& home = shard(listing.path);
  Listing replaced;  // released after the lock, because it may have the last reference
  const std::lock_guard hold(home.lock);
  const auto [place, fresh] = home.by_path.try_emplace(listing.path);
  Entry& entry = place->second;
  if (fresh) {
    size_.fetch_add(1, std::memory_order_relaxed);
    if (home.free.empty()) {
      entry.slot = static_cast<std::uint32_t>(home.slots.size());
      home.slots.emplace_back();
    } else {
      entry.slot = home.free.back();
      home.free.pop_back();
    }
  } else {
    replaced = std::move(entry.listing);
  }
  entry.listing = std::move(listing);
  home.slots[entry.slot] = {&entry.listing, entry.listing.record.get()};
  return true;
}

void Registry::remove(std::string_view path, const Record* record) {
  Handle last;  // released after the lock, because it may be the last reference
  Shard& home = shard(path);
  const std::lock_guard hold(home.lock);
  const auto place = home.by_path.find(path);
  if (place == home.by_path.end() || place->second.listing.record.get() != record) return;
  last = std::move(place->second.listing.handle);
  home.slots[place->second.slot] = {};
  home.free.push_back(place->second.slot);
  home.by_path.erase(place);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

Handle Registry::find(std::string_view path) const {
  const Shard& home = shard(path);
  const std::lock_guard hold(home.lock);
  const auto place = home.by_path.find(path);
  return place == home.by_path.end() ? Handle{} : place->second.listing.handle;
}

std::optional<Listing> Registry::listing(std::string_view path) const {
  const Shard& home = shard(path);
  const std::lock_guard hold(home.lock);
  const auto place = home.by_path.find(path);
  if (place == home.by_path.end()) return std::nullopt;
  return place->second.listing;
}

void Registry::walk(const std::function<bool(const Listing&)>& show) const {
  std::vector<Listing> slice;
  for (Cursor place; !place.at_end();) {
    slice.clear();
    walk_on(place, [&](const Listing& listing) { slice.push_back(listing); });
    for (const Listing& listing : slice)
      if (!show(listing)) return;
  }
}

bool valid_path_part(std::string_view name) {
  constexpr std::size_t kPartBytesMax = 200;
  if (name.empty() || name.size() > kPartBytesMax || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

}  // namespace troupe::runtime
