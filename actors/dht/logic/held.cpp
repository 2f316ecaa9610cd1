#include "actors/dht/logic/held.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {

Held::Held(const base::NodeId& own, HeldLimits limits, Values values, unsigned work_bits,
           const base::Mutations& mutations)
    : own_(own),
      limits_(limits),
      values_(values),
      work_bits_(work_bits),
      mutations_(mutations),
      cache_(values == Values::on_disk ? limits.cache_bytes_max : 0) {}

base::Result<Stored, StoreRefused> Held::store(const Offer& offer, std::optional<std::uint64_t> expected,
                                               base::WallTime wall) {
  expire(wall, kEvictedMax);
  Node* present = look(offer.place);
  // While the date is not trusted, expired records still count as stored.
  const bool held = live(present, wall) || (present != nullptr && expired_ == Expired::kept);
  if (held) {
    if (present->second.tag == offer.tag) return refresh(*present, offer, wall);
    if (const auto refused = compare(present->second, offer, expected)) return *refused;
  }
  if (const auto refused = older_than_gone(offer, wall)) return *refused;
  if (!owners_have_room(offer, present)) return StoreRefused{StoreError::owner_full, {}};
  if (const auto storer = owners_.find(*Owner::from(offer.from.view())); storer != owners_.end())
    note_network(*storer, offer.network);
  const auto evicted = make_room(offer, present);
  if (!evicted) return StoreRefused{StoreError::no_space, {}};

  for (const RecordKey& place : *evicted) {
    remove(*look(place));
    owed_.insert(place);
  }
  use_.evicted += evicted->size();
  note_outlived(offer, present, wall);
  const StoredAs as = held ? StoredAs::replaced : StoredAs::added;
  if (present != nullptr) remove(*present);
  insert(offer, end_of(offer, wall));
  owed_.erase(offer.place);
  Stored out{as, take_owed()};
  if (values_ == Values::on_disk) {
    out.rows.save.push_back(row_of(offer, wall));
    cache_.put(offer.place, offer.encoded);
  }
  check();
  return out;
}

std::optional<StoreRefused> Held::older_than_gone(const Offer& offer, base::WallTime wall) const {
  if (offer.place.space != Space::kv || mutations_.on("dht.held_takes_older")) return std::nullopt;
  const auto known = outlived_.find(base::distance(own_, offer.place.key));
  if (known == outlived_.end() || known->second.until <= wall || offer.sequence >= known->second.sequence)
    return std::nullopt;
  return StoreRefused{StoreError::older, known->second.sequence};
}

/// The replaced record may last longer at other holders. Until then its place accepts nothing older than its successor,
/// even if that is gone. A restart forgets this, the other holders do not. Rejected: extending the successor against
/// its owner's will.
void Held::note_outlived(const Offer& offer, const Node* replaced, base::WallTime wall) {
  if (offer.place.space != Space::kv) return;
  const Key distance = base::distance(own_, offer.place.key);
  const auto known = outlived_.find(distance);
  base::WallTime until = wall;
  if (known != outlived_.end()) until = std::max(until, known->second.until);
  if (replaced != nullptr) until = std::max(until, replaced->second.ends);
  if (until > offer.expires) outlived_.insert_or_assign(distance, Outlived{offer.sequence, until});
  else if (known != outlived_.end()) outlived_.erase(known);
  if (outlived_.size() > kOutlivedMax) outlived_.erase(std::prev(outlived_.end()));
}

std::optional<StoreRefused> Held::compare(const Entry& present, const Offer& offer,
                                          std::optional<std::uint64_t> expected) const {
  if (expected && *expected != present.sequence) return StoreRefused{StoreError::conflict, present.sequence};
  if (offer.sequence < present.sequence && !mutations_.on("dht.held_takes_older"))
    return StoreRefused{StoreError::older, present.sequence};
  if (offer.sequence == present.sequence && offer.tag < present.tag)
    return StoreRefused{StoreError::lost_tie, present.sequence};
  return std::nullopt;
}

std::optional<Offer> Held::known(base::ByteView encoded, const Key& key, const base::NodeId& from,
                                 base::WallTime wall) const {
  const auto space = encoded.empty() ? std::nullopt : space_of(encoded.front());
  if (!space) return std::nullopt;
  const Node* const node = look({*space, key});
  if (!live(node, wall) || node->second.bytes != encoded.size() || node->second.tag != tag_of(encoded))
    return std::nullopt;
  const Entry& entry = node->second;
  const Owner owner = *space == Space::kv ? entry.owner->first : *Owner::from(from.view());
  return Offer{.place = {*space, key},
               .sequence = entry.sequence,
               .tag = entry.tag,
               .owner = owner,
               .from = from,
               .expires = entry.ends,
               .encoded = {encoded.begin(), encoded.end()}};
}

bool Held::writes(const Offer& offer, base::WallTime wall) const {
  const Node* const present = look(offer.place);
  return present == nullptr || present->second.tag != offer.tag || renews(present->second, offer, wall);
}

/// Returns whether to renew; not at every store of a stored record.
bool Held::renews(const Entry& present, const Offer& offer, base::WallTime wall) const {
  const base::WallTime expires = end_of(offer, wall);
  const bool sooner = expires < present.expires && expired_ == Expired::kept;
  return !sooner && std::chrono::abs(expires - present.expires) >= renewed_after(limits_.hold);
}

Stored Held::refresh(Node& present, const Offer& offer, base::WallTime wall) {
  if (!renews(present.second, offer, wall)) return {StoredAs::refreshed, take_owed()};
  Stored out{StoredAs::refreshed, take_owed(), present.second.expires};
  end_at(present, end_of(offer, wall));
  if (values_ == Values::on_disk) {
    Offer first = offer;  // it still counts for the first node that stored it
    first.from = storer_of(present.second);
    out.rows.save.push_back(row_of(first, wall));
  }
  check();
  return out;
}

void Held::end_at(Node& node, base::WallTime expires) {
  by_expiry_.erase(&node);
  node.second.expires = expires;
  by_expiry_.insert(&node);
}

void Held::put_back(const RecordKey& place, base::WallTime ended) {
  if (Node* const node = look(place)) end_at(*node, ended);
  check();
}

bool Held::owners_have_room(const Offer& offer, const Node* present) const {
  return has_room(offer.owner, offer, present) && has_room(*Owner::from(offer.from.view()), offer, present) &&
         network_has_room(offer, present);
}

bool Held::has_room(const Owner& whose, const Offer& offer, const Node* present) const {
  const auto found = owners_.find(whose);
  Use use = found == owners_.end() ? Use{} : found->second.use;
  if (present != nullptr && (present->second.owner == found || present->second.storer == found))
    use.take({present->second.bytes, 1});
  return use.bytes + offer.encoded.size() <= limits_.owner_bytes_max && use.records < limits_.owner_records_max;
}

bool Held::network_has_room(const Offer& offer, const Node* present) const {
  if (!offer.network) return true;
  const auto known = networks_.find(*offer.network);
  Use use = known == networks_.end() ? Use{} : known->second;
  const auto storer = owners_.find(*Owner::from(offer.from.view()));
  const bool comes = storer != owners_.end() && storer->second.network != offer.network;
  if (comes) use.add(storer->second.use);
  if (present != nullptr &&
      (present->second.storer->second.network == offer.network || (comes && present->second.storer == storer)))
    use.take({present->second.bytes, 1});
  return use.bytes + offer.encoded.size() <= limits_.network_bytes_max && use.records < limits_.network_records_max;
}

/// A node that moves takes its stored records along. Without a known address it counts where it was last seen. A
/// restart forgets the address until the node stores again.
void Held::note_network(Owners::value_type& storer, const std::optional<Group>& network) {
  Account& account = storer.second;
  if (!network || account.network == network) return;
  if (account.network) leave(*account.network, account.use);
  account.network = network;
  networks_[*network].add(account.use);
  for (PeerUsage& peers : per_peer_) peers.move(*base::NodeId::from(storer.first.view()), *network);
}

void Held::leave(const Group& network, const Use& use) {
  const auto left = networks_.find(network);
  left->second.take(use);
  if (left->second.records == 0) networks_.erase(left);
}

std::optional<Group> Held::network_of(const base::NodeId& storer) const {
  const auto known = owners_.find(*Owner::from(storer.view()));
  return known == owners_.end() ? std::nullopt : known->second.network;
}

Held::Owners::iterator Held::count_for(const Owner& whose, std::uint32_t bytes) {
  const auto found = owners_.try_emplace(whose).first;
  Account& account = found->second;
  account.use.add({bytes, 1});
  if (account.network) networks_.find(*account.network)->second.add({bytes, 1});
  return found;
}

void Held::discount(Owners::iterator whose, std::uint32_t bytes) {
  Account& account = whose->second;
  account.use.take({bytes, 1});
  if (account.network) leave(*account.network, {bytes, 1});
  if (account.use.records == 0) owners_.erase(whose);
}

/// Returns the space in which one site has most; at a tie, the space with the farthest record.
std::size_t Held::fullest() const {
  const auto rank = [this](std::size_t space) {
    const auto most = per_peer_[space].most();
    return most ? std::tuple(most->of_site, most->weight, *most->distances->rbegin())
                : std::tuple(std::uint64_t{0}, std::uint64_t{0}, Key());
  };
  std::size_t out = 0;
  for (std::size_t i = 1; i < per_peer_.size(); ++i)
    if (rank(i) > rank(out)) out = i;
  return out;
}

std::optional<std::vector<RecordKey>> Held::make_room(const Offer& offer, const Node* present) const {
  const std::uint64_t freed = present != nullptr ? present->second.bytes : 0;
  const std::size_t space = at(offer.place.space);
  std::uint64_t space_bytes = use_.space_bytes[space] - freed + offer.encoded.size();
  std::uint64_t bytes = use_.bytes() - freed + offer.encoded.size();
  std::uint64_t records = use_.records + (present != nullptr ? 0 : 1);
  const auto space_full = [&] { return space_bytes > limits_.space_bytes_max[space]; };
  const auto full = [&] { return space_full() || bytes > limits_.bytes_max || records > limits_.records_max; };

  std::vector<RecordKey> out;
  if (!full()) return out;
  const std::size_t from = space_full() ? space : fullest();
  const auto most = per_peer_[from].most();
  if (!most) return std::nullopt;
  const Key distance = base::distance(own_, offer.place.key);
  // Compares what the newcomer's site would have with what the largest site would have left; within one site, its
  // peers. If the newcomer had more, the two would evict each other in turn.
  const Site site = site_of(offer.from, offer.network ? offer.network : network_of(offer.from));
  const bool elsewhere = site != most->site;
  const auto present_of = [&](const base::NodeId& storer, const Site& its) -> std::uint64_t {
    if (present == nullptr) return 0;
    const base::NodeId whose = storer_of(present->second);
    return (elsewhere ? site_of(whose, network_of(whose)) == its : whose == storer) ? weight_of(present->second) : 0;
  };
  const std::uint64_t there = elsewhere ? per_peer_[space].weight_of(site) : per_peer_[space].weight_of(offer.from);
  const std::uint64_t then = there - present_of(offer.from, site) + offer.encoded.size() + kRecordWeight;
  std::uint64_t left =
      (elsewhere ? most->of_site : most->weight) - (from == space ? present_of(most->storer, most->site) : 0);
  const auto take = [&](const Node& victim) {
    out.push_back(place_of(victim));
    if (from == space) space_bytes -= victim.second.bytes;
    bytes -= victim.second.bytes;
    records -= 1;
  };
  for (auto next = most->distances->rbegin(); full() && next != most->distances->rend(); ++next) {
    if (out.size() == kEvictedMax) return std::nullopt;
    const Node& victim = *index_[from].find(*next);
    if (&victim == present) continue;
    left -= weight_of(victim.second);
    const bool less = then <= left && most->storer != offer.from;
    if (!less && *next <= distance) return std::nullopt;
    take(victim);
  }
  // That was not enough: try the next peers of that site, however near their records, while they have more. Other
  // sites have even less.
  std::size_t others = 0;
  for (auto share = per_peer_[from].next(*most); full(); share = per_peer_[from].next(*share)) {
    if (!share || others++ == kPeersTried) return std::nullopt;
    const bool of_most = elsewhere && share->site == most->site;
    for (auto next = share->distances->rbegin(); full() && next != share->distances->rend(); ++next) {
      const Node& victim = *index_[from].find(*next);
      if (&victim == present) continue;
      const std::uint64_t weight = of_most ? weight_of(victim.second) : 0;
      const bool less = of_most && then + weight <= left;
      if (!less && *next <= distance) break;
      if (out.size() == kEvictedMax) return std::nullopt;
      left -= std::min(left, weight);
      take(victim);
    }
  }
  return out;
}

base::WallTime Held::end_of(const Offer& offer, base::WallTime stored_at) const {
  return std::min(offer.expires, stored_at + limits_.hold);
}

void Held::insert(const Offer& offer, base::WallTime expires) {
  const auto bytes = static_cast<std::uint32_t>(offer.encoded.size());
  const Owner from = *Owner::from(offer.from.view());
  const auto owner = count_for(offer.owner, bytes);
  const auto storer = from == offer.owner ? owner : count_for(from, bytes);
  note_network(*storer, offer.network);
  const Entry entry{offer.sequence, offer.tag, expires, offer.expires, owner, storer, bytes, offer.place.space};
  const auto [node, added] = index(offer.place.space).emplace(base::distance(own_, offer.place.key), entry);
  base::ensure(added, "a place has one record");
  per_peer_[at(offer.place.space)].add(offer.from, site_of(offer.from, storer->second.network), node->first,
                                       weight_of(node->second));
  by_expiry_.insert(&*node);
  use_.space_bytes[at(offer.place.space)] += bytes;
  use_.records += 1;
  if (values_ == Values::in_memory) kept_[offer.place] = offer.encoded;
}

void Held::remove(Node& node) {
  const RecordKey place = place_of(node);
  const Entry entry = node.second;
  by_expiry_.erase(&node);
  per_peer_[at(entry.space)].remove(storer_of(entry), node.first, weight_of(entry));
  if (entry.storer != entry.owner) discount(entry.storer, entry.bytes);
  discount(entry.owner, entry.bytes);
  use_.space_bytes[at(entry.space)] -= entry.bytes;
  use_.records -= 1;
  index(entry.space).erase(base::distance(own_, place.key));
  cache_.drop(place);
  kept_.erase(place);
}

void Held::expire(base::WallTime wall, std::size_t records_max) {
  if (expired_ == Expired::kept) return;
  for (std::size_t i = 0; i < records_max && !by_expiry_.empty(); ++i) {
    Node& next = **by_expiry_.begin();
    if (next.second.expires > wall) return;
    owed_.insert(place_of(next));
    remove(next);
    use_.expired += 1;
  }
}

RowChange Held::take_owed() {
  RowChange out;
  if (values_ == Values::on_disk)
    for (const RecordKey& place : owed_) out.erase.push_back(row_key(place));
  owed_.clear();
  return out;
}

RowChange Held::sweep(base::WallTime wall) {
  expire(wall, kSweptMax - std::min(kSweptMax, owed_.size()));
  return take_owed();
}

std::optional<base::WallTime> Held::wake_at() const {
  if (!owed_.empty()) return base::WallTime{};
  if (by_expiry_.empty() || expired_ == Expired::kept) return std::nullopt;
  return (*by_expiry_.begin())->second.expires;
}

RowChange Held::forget(const RecordKey& place) {
  if (Node* const node = look(place)) remove(*node);
  owed_.insert(place);
  check();
  return take_owed();
}

const Held::Node* Held::look(const RecordKey& place) const {
  const Index& index = index_[at(place.space)];
  const auto found = index.find(base::distance(own_, place.key));
  return found == index.end() ? nullptr : &*found;
}

bool Held::live(const Node* node, base::WallTime wall) const {
  if (node == nullptr) return false;
  return node->second.expires > wall || mutations_.on("dht.held_serves_expired");
}

std::optional<Facts> Held::find(const RecordKey& place, base::WallTime wall) const {
  const Node* const node = look(place);
  if (!live(node, wall)) return std::nullopt;
  const Entry& entry = node->second;
  return Facts{entry.sequence, entry.tag, entry.bytes, entry.expires};
}

std::optional<Reading> Held::read(const RecordKey& place, base::WallTime wall) {
  const auto facts = find(place, wall);
  if (!facts) return std::nullopt;
  if (values_ == Values::on_disk) return Reading{*facts, cache_.get(place)};
  const auto kept = kept_.find(place);
  base::ensure(kept != kept_.end(), "an indexed record is kept");
  return Reading{*facts, &kept->second};
}

base::Result<base::Bytes, LoadedError> Held::loaded(const RecordKey& place, base::ByteView row, base::WallTime wall) {
  const auto facts = find(place, wall);
  if (!facts) return LoadedError::gone;
  const auto read = read_row(row);
  if (!read) return LoadedError::corrupt;
  if (tag_of(read->encoded) != facts->tag) {
    const auto parsed = parse(read->encoded);
    const bool ours = parsed.ok() && space_of(parsed.value()) == place.space && key_of(parsed.value()) == place.key;
    return ours ? LoadedError::stale : LoadedError::corrupt;
  }
  base::Bytes out(read->encoded.begin(), read->encoded.end());
  cache_.put(place, out);
  return out;
}

base::Result<void, RowError> Held::load(base::ByteView row_key, base::ByteView row, base::WallTime wall) {
  const auto place = read_row_key(row_key);
  const auto read = read_row(row);
  if (place && look(*place) != nullptr) return RowError::present;
  if (!place || !read) return RowError::corrupt;
  // A stored record was valid then; a clock that was set back since does not put it in the future.
  const base::WallTime passed = expired_ == Expired::kept ? read->stored_at : std::max(wall, read->stored_at);
  const auto offer = admit(read->encoded, place->key, read->from, passed, work_bits_);
  if (!offer.ok()) return offer.error() == RecordError::expired ? RowError::expired : RowError::corrupt;
  if (offer.value().place != *place) return RowError::corrupt;
  const base::WallTime since = expired_ == Expired::kept ? read->stored_at : std::min(wall, read->stored_at);
  const base::WallTime expires = end_of(offer.value(), since);
  if (expires <= wall && expired_ == Expired::dropped) return RowError::expired;
  const auto room = make_room(offer.value(), nullptr);
  if (!owners_have_room(offer.value(), nullptr) || !room || !room->empty()) return RowError::full;
  insert(offer.value(), expires);
  check();
  return {};
}

std::vector<RecordKey> Held::places(Space space, const std::optional<Key>& after, std::size_t places_max) const {
  const Index& index = index_[at(space)];
  auto next = after ? index.upper_bound(base::distance(own_, *after)) : index.begin();
  std::vector<RecordKey> out;
  for (; next != index.end() && out.size() < places_max; ++next) out.push_back(place_of(*next));
  return out;
}

void Held::check() const {
  base::ensure(use_.bytes() <= limits_.bytes_max && use_.records <= limits_.records_max,
               "stored records are within limits");
  base::ensure(by_expiry_.size() == use_.records, "each record has one place in the order of expiry");
  base::ensure(index_[0].size() + index_[1].size() + index_[2].size() == use_.records, "each record is counted");
}

}  // namespace troupe::dht
