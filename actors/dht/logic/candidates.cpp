#include "actors/dht/logic/candidates.hpp"

#include <algorithm>

namespace troupe::dht {

std::vector<Candidate>::iterator Candidates::place_of(const Key& distance) {
  return std::ranges::lower_bound(all_, distance, {}, &Candidate::distance);
}

Candidate* Candidates::find(const Key& id) {
  const auto at = place_of(base::distance(id, target_));
  return at != all_.end() && at->contact.id == id ? &*at : nullptr;
}

std::optional<Refusal> Candidates::hear(const Contact& contact, std::size_t path, std::size_t depth,
                                        const std::optional<Key>& named_by) {
  Candidate* const known = find(contact.id);
  if (known != nullptr && known->known_to(path)) {
    return known->contact.where == contact.where ? std::nullopt : std::optional(Refusal::other_address);
  }
  const Key distance = base::distance(contact.id, target_);
  const Group group = group_of_(contact.where.endpoint);
  if (const auto refusal = room_for(distance, group, path)) return refusal;
  if (Candidate* const still = find(contact.id)) {
    if (still->contact.where != contact.where && still->alternates.size() < kAlternatesMax) {
      still->alternates.push_back(contact.where);  // one of two paths was lied to; which one shows when it is asked
    }
    still->known_by |= PathSet{1} << path;
    return std::nullopt;
  }
  Candidate fresh;
  fresh.contact = contact;
  fresh.distance = distance;
  fresh.group = group;
  fresh.known_by = PathSet{1} << path;
  fresh.depth = depth;
  fresh.named_by = named_by;
  all_.insert(place_of(distance), std::move(fresh));
  return std::nullopt;
}

std::optional<Refusal> Candidates::room_for(const Key& distance, const Group& group, std::size_t path) {
  std::size_t held = 0;
  std::size_t of_group = 0;
  auto farthest = all_.end();
  for (auto at = all_.begin(); at != all_.end(); ++at) {
    if (!at->known_to(path) || at->state == Candidate::State::failed) continue;
    if (at->group == group) ++of_group;
    if (at->state != Candidate::State::fresh) continue;  // questions have a limit of their own
    ++held;
    farthest = at;
  }
  if (of_group >= kNamedGroupMax) return Refusal::group_full;
  if (held < kPathKnownMax) return std::nullopt;
  if (farthest->distance < distance) return Refusal::not_nearer;
  farthest->known_by &= ~(PathSet{1} << path);
  if (farthest->known_by == 0) all_.erase(farthest);
  return std::nullopt;
}

}  // namespace troupe::dht
