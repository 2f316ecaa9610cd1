#include "actors/files/logic/announced.hpp"

#include <algorithm>

namespace troupe::files {

Announced::Take Announced::take(const base::NodeId& key, const User& owner, base::Instant now) {
  expire(now);
  if (const auto place = places_.find(key); place != places_.end()) return present(*place, owner);
  if (!fits(owner)) return Take::refused;
  insert(key, owner);
  return Take::placed;
}

bool Announced::adopt(const base::NodeId& key, const User& owner, base::Instant now) {
  expire(now);
  if (const auto place = places_.find(key); place != places_.end()) {
    present(*place, owner);
    place->second.told = true;
    return true;
  }
  const std::uint64_t whole = shares_.whole();
  const std::uint64_t most = owner.reserved ? whole : whole - whole / base::kReservePart;
  if (shares_.used() >= most) return false;
  insert(key, owner).told = true;
  return true;
}

bool Announced::fits(const User& owner) const {
  if (!shares_.fits(owner, 1)) return false;
  const std::uint64_t whole = shares_.whole();
  const std::uint64_t for_large = whole - whole / base::kReservePart - whole / kSmallSitesPart;
  const std::uint64_t small = std::max<std::uint64_t>(1, whole / kSmallSitePart);
  return owner.reserved || shares_.used() < for_large || shares_.held(owner.group) < small;
}

Announced::Take Announced::present(Places::value_type& place, const User& owner) {
  auto& [key, held] = place;
  if (owner.reserved && !held.owner.reserved) {
    shares_.release(held.owner, 1);
    held.owner = owner;
    shares_.hold(owner, 1);
  }
  if (!held.ends) return Take::present;
  ending_.erase({*held.ends, key});
  held.ends.reset();
  return Take::placed;
}

void Announced::tell(const base::NodeId& key) {
  if (const auto place = places_.find(key); place != places_.end()) place->second.told = true;
}

void Announced::end(const base::NodeId& key, base::Instant now) {
  const auto place = places_.find(key);
  if (place == places_.end() || place->second.ends) return;
  place->second.ends = place->second.told ? now + kAnnouncedFor : now;
  ending_.insert({*place->second.ends, key});
  expire(now);
}

Announced::Place& Announced::insert(const base::NodeId& key, const User& owner) {
  shares_.hold(owner, 1);
  return places_.emplace(key, Place{.owner = owner, .told = false, .ends = {}}).first->second;
}

void Announced::expire(base::Instant now) {
  while (!ending_.empty() && ending_.begin()->first <= now) {
    const auto place = places_.find(ending_.begin()->second);
    shares_.release(place->second.owner, 1);
    places_.erase(place);
    ending_.erase(ending_.begin());
  }
}

}  // namespace troupe::files
