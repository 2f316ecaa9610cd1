#include "actors/dht/logic/candidates.hpp"

#include <algorithm>

namespace troupe::dht {

std::vector<Candidates::Slot>::iterator Candidates::place_of(const Key& distance) {
  const std::uint64_t high = distance.high();
  return std::ranges::partition_point(order_, [&](const Slot& place) {
    return place.high != high ? place.high < high : place.candidate->distance < distance;
  });
}

Candidate* Candidates::at_distance(const Key& distance) {
  const auto place = place_of(distance);
  return place != order_.end() && place->candidate->distance == distance ? place->candidate.get() : nullptr;
}

std::optional<Refusal> Candidates::hear(const Contact& contact, std::size_t path, std::size_t depth,
                                        const std::optional<Key>& named_by) {
  const Key distance = base::distance(contact.id, target_);
  Candidate* const known = at_distance(distance);
  if (known != nullptr && known->known_to(path))
    return known->contact.where == contact.where ? std::nullopt : std::optional(Refusal::other_address);
  const Group group = groups_.group_of(contact.where.endpoint);
  if (const auto refusal = room_for(distance, group, path)) return refusal;
  if (known != nullptr) {  // still there: room_for() drops only candidates that this path knows
    if (known->contact.where != contact.where && known->alternates.size() < kAlternatesMax) {
      known->alternates.push_back(contact.where);  // one of two paths got a false address; the requests show which
    }
    known->known_by |= PathSet{1} << path;
    return std::nullopt;
  }
  auto fresh = std::make_unique<Candidate>();
  fresh->contact = contact;
  fresh->distance = distance;
  fresh->group = group;
  fresh->known_by = PathSet{1} << path;
  fresh->depth = depth;
  fresh->named_by = named_by;
  order_.insert(place_of(distance), Slot{distance.high(), std::move(fresh)});
  return std::nullopt;
}

std::optional<Refusal> Candidates::room_for(const Key& distance, const Group& group, std::size_t path) {
  std::size_t held = 0;
  std::size_t of_group = 0;
  auto farthest = order_.end();
  for (auto at = order_.begin(); at != order_.end(); ++at) {
    const Candidate& one = *at->candidate;
    if (!one.known_to(path) || one.state == Candidate::State::failed) continue;
    if (one.group == group) ++of_group;
    if (one.state != Candidate::State::fresh) continue;  // the number of asked candidates is limited elsewhere
    ++held;
    farthest = at;
  }
  if (of_group >= groups_.table_max) return Refusal::group_full;
  if (held < kPathKnownMax) return std::nullopt;
  Candidate& last = *farthest->candidate;
  if (last.distance < distance) return Refusal::not_nearer;
  last.known_by &= ~(PathSet{1} << path);
  if (last.known_by == 0) order_.erase(farthest);
  return std::nullopt;
}

}  // namespace troupe::dht
