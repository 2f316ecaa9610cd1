#include "actors/dht/logic/providers.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::dht {
namespace {

using base::append;
using base::append_date;
using base::append_number;
using base::FieldReader;

constexpr std::uint8_t kProviderRowVersion = 1;

base::Bytes row_value(const base::Contact& where, base::WallTime expires) {
  base::Bytes out;
  out.reserve(kProviderRowBytes);
  append_number(out, kProviderRowVersion);
  append_date(out, expires);
  append(out, where.key.view());
  append_number(out, where.nonce);
  append(out, where.endpoint.address);
  append_number(out, where.endpoint.port);
  return out;
}

struct Value {
  base::Contact where;
  base::WallTime expires;
};

std::optional<Value> read_value(base::ByteView value) {
  FieldReader in(value);
  const auto version = in.number<std::uint8_t>();
  Value out;
  out.expires = in.date();
  out.where.key = in.fixed<base::PublicKey>();
  out.where.nonce = in.number<std::uint32_t>();
  const base::ByteView address = in.take(out.where.endpoint.address.size());
  std::copy(address.begin(), address.end(), out.where.endpoint.address.begin());
  out.where.endpoint.port = in.number<std::uint16_t>();
  if (!in.ended() || version != kProviderRowVersion || !out.where.endpoint.dialable()) return std::nullopt;
  return out;
}

/// Rounds as a row does, so that a restart changes nothing.
base::WallTime whole_seconds(base::WallTime when) {
  return base::WallTime(std::chrono::floor<std::chrono::seconds>(when.since_origin()));
}

}  // namespace

Providers::Providers(const base::NodeId& own, ProviderLimits limits, const SampleSecret& secret, unsigned work_bits,
                     const base::Mutations& mutations)
    : own_(own), limits_(limits), secret_(secret), work_bits_(work_bits), mutations_(mutations) {}

base::Result<Added, ProviderError> Providers::add(const Key& key, const Contact& provider, base::WallTime wall,
                                                  const std::optional<Group>& network) {
  if (!provider.where.endpoint.dialable()) return ProviderError::undialable;
  expire(wall, kProvidersExpiredMax);
  const base::WallTime expires = whole_seconds(wall + limits_.hold);
  const Name name{base::distance(own_, key), provider.id};
  if (const auto present = announced_.find(name); present != announced_.end()) {
    const AddedAs as = present->second.expires > wall ? AddedAs::renewed : AddedAs::added;
    note_network(*present->second.provider, network);
    Added out = renew(*present, provider, expires);
    out.as = as;
    return out;
  }
  if (keys_of(provider.id) >= limits_.per_provider_max) return ProviderError::provider_full;
  if (!network_has_room(provider.id, network)) return ProviderError::network_full;
  const std::uint64_t rank = rank_of(key, provider.id);
  const auto known = providers_.find(provider.id);
  if (known != providers_.end()) note_network(*known, network);
  const auto room =
      make_room(name, rank, site_of(provider.id, known != providers_.end() ? known->second.network : network));
  if (!room.ok()) return room.error();
  if (room.value()) {
    remove(*room.value());
    owed_.insert(*room.value());
  }
  insert(name, provider.where, rank, expires);
  note_network(*providers_.find(provider.id), network);
  owed_.erase(name);
  Added out{AddedAs::added, take_owed()};
  out.rows.save.push_back({row_key(name), row_value(provider.where, expires)});
  check();
  return out;
}

Added Providers::renew(Node& present, const Contact& provider, base::WallTime expires) {
  Announced& announced = present.second;
  const bool moved = announced.provider->second.where != provider.where;
  if (expired_ == Expired::kept) expires = std::max(expires, announced.expires);
  if (!moved && std::chrono::abs(expires - announced.expires) < renewed_after(limits_.hold))
    return {AddedAs::renewed, take_owed()};
  Added out{AddedAs::renewed, take_owed(), announced.expires};
  end_at(present, expires);
  announced.provider->second.where = provider.where;
  announced.provider->second.told = expires;
  out.rows.save.push_back({row_key(present.first), row_value(provider.where, announced.expires)});
  check();
  return out;
}

void Providers::end_at(Node& node, base::WallTime expires) {
  by_expiry_.erase(&node);
  node.second.expires = expires;
  by_expiry_.insert(&node);
}

void Providers::put_back(const Key& key, const base::NodeId& provider, base::WallTime ended) {
  const auto present = announced_.find({base::distance(own_, key), provider});
  if (present != announced_.end()) end_at(*present, ended);
  check();
}

std::uint64_t Providers::rank_of(const Key& key, const base::NodeId& provider) const {
  const base::Digest digest = crypto::sha256(secret_.view(), key.view(), provider.view());
  return FieldReader(digest.view()).number<std::uint64_t>();
}

base::Result<std::optional<Providers::Name>, ProviderError> Providers::make_room(const Name& name, std::uint64_t rank,
                                                                                 const Site& site) const {
  std::vector<const Node*> at_key;
  for (auto at = announced_.lower_bound({name.distance, {}});
       at != announced_.end() && at->first.distance == name.distance; ++at)
    at_key.push_back(&*at);
  if (at_key.size() >= limits_.per_key_max) return worse(at_key, rank, site);
  if (announced_.size() < limits_.announcements_max) return std::optional<Name>();
  const auto most = per_peer_.most();
  if (!most) return ProviderError::no_space;
  const Key& farthest = *most->distances->rbegin();
  // With a difference of one, both would evict each other in turn.
  const bool fewer =
      site != most->site ? per_peer_.weight_of(site) + 1 < most->of_site : keys_of(name.provider) + 1 < most->weight;
  if (!fewer && farthest <= name.distance) return ProviderError::no_space;
  return std::optional(Name{farthest, most->storer});
}

/// For a full key: the site with most loses a provider to a site that has two fewer. Within a site, and among sites
/// with one each, the largest rank loses, so that the rest is a sample of all.
base::Result<std::optional<Providers::Name>, ProviderError> Providers::worse(std::span<const Node* const> at_key,
                                                                             std::uint64_t rank,
                                                                             const Site& site) const {
  std::map<Site, std::vector<const Node*>> sites;
  for (const Node* const one : at_key)
    sites[site_of(one->first.provider, one->second.provider->second.network)].push_back(one);
  const auto largest_rank = [](std::span<const Node* const> of) {
    return *std::ranges::max_element(of, {}, [](const Node* one) { return one->second.rank; });
  };
  const auto most = std::ranges::max_element(sites, {}, [](const auto& one) { return one.second.size(); });
  if (most == sites.end()) return ProviderError::key_full;
  const auto own = sites.find(site);
  const std::size_t there = own == sites.end() ? 0 : own->second.size();
  if (most->second.size() >= there + 2) return std::optional(largest_rank(most->second)->first);
  const Node* const worst = largest_rank(there > 0 ? std::span<const Node* const>(own->second) : at_key);
  if (worst->second.rank <= rank && !mutations_.on("dht.providers_keep_newest")) return ProviderError::key_full;
  return std::optional(worst->first);
}

bool Providers::network_has_room(const base::NodeId& provider, const std::optional<Group>& network) const {
  if (!network) return true;
  const auto known = networks_.find(*network);
  const std::size_t there = known == networks_.end() ? 0 : known->second;
  const auto one = providers_.find(provider);
  const bool comes = one != providers_.end() && one->second.network != network;
  return there + (comes ? keys_of(provider) : 0) < limits_.per_network_max;
}

/// A provider that moves takes its keys along. Without a known address it counts where it was last seen. A restart
/// forgets the address until the provider announces again.
void Providers::note_network(KnownProviders::value_type& provider, const std::optional<Group>& network) {
  if (!network || provider.second.network == network) return;
  const auto keys = static_cast<std::ptrdiff_t>(keys_of(provider.first));
  count_for(provider.second.network, -keys);
  provider.second.network = network;
  per_peer_.move(provider.first, *network);
  count_for(network, keys);
}

void Providers::count_for(const std::optional<Group>& network, std::ptrdiff_t keys) {
  if (!network) return;
  const auto known = networks_.try_emplace(*network, 0).first;
  known->second += static_cast<std::size_t>(keys);
  if (known->second == 0) networks_.erase(known);
}

void Providers::insert(const Name& name, const base::Contact& where, std::uint64_t rank, base::WallTime expires) {
  const auto provider = providers_.try_emplace(name.provider).first;
  Known& known = provider->second;
  if (expires >= known.told) {
    known.where = where;
    known.told = expires;
  }
  per_peer_.add(name.provider, site_of(name.provider, known.network), name.distance, 1);
  count_for(known.network, 1);
  const auto [node, added] = announced_.emplace(name, Announced{expires, rank, provider});
  base::ensure(added, "an announcement is kept once");
  by_expiry_.insert(&*node);
}

void Providers::remove(const Name& name) {
  const auto node = announced_.find(name);
  base::ensure(node != announced_.end(), "a removed announcement exists");
  by_expiry_.erase(&*node);
  const auto provider = node->second.provider;
  per_peer_.remove(name.provider, name.distance, 1);
  count_for(provider->second.network, -1);
  if (keys_of(name.provider) == 0) providers_.erase(provider);
  announced_.erase(node);
}

void Providers::expire(base::WallTime wall, std::size_t announcements_max) {
  if (expired_ == Expired::kept) return;
  for (std::size_t i = 0; i < announcements_max && !by_expiry_.empty(); ++i) {
    const Node& next = **by_expiry_.begin();
    if (next.second.expires > wall) return;
    const Name name = next.first;
    remove(name);
    owed_.insert(name);
  }
}

std::vector<Contact> Providers::find(const Key& key, std::size_t contacts_max, base::WallTime wall,
                                     base::Random& random) const {
  const Key distance = base::distance(own_, key);
  std::vector<Contact> out;
  for (auto at = announced_.lower_bound({distance, {}}); at != announced_.end() && at->first.distance == distance; ++at)
    if (at->second.expires > wall) out.push_back({at->first.provider, at->second.provider->second.where});
  random.shuffle(out);
  if (out.size() > contacts_max) out.resize(contacts_max);
  return out;
}

base::Result<void, RowError> Providers::load(base::ByteView row_key, base::ByteView row, base::WallTime wall) {
  FieldReader in(row_key);
  const Key key = in.fixed<Key>();
  const Name name{base::distance(own_, key), in.fixed<base::NodeId>()};
  const auto read = read_value(row);
  if (in.ended() && announced_.contains(name)) return RowError::present;
  if (!in.ended() || !read) return RowError::corrupt;
  if (crypto::check(read->where.key, read->where.nonce, work_bits_) != name.provider) return RowError::corrupt;
  if (read->expires <= wall && expired_ == Expired::dropped) return RowError::expired;
  if (keys_of(name.provider) >= limits_.per_provider_max) return RowError::full;
  const std::uint64_t rank = rank_of(key, name.provider);
  const auto room = make_room(name, rank, name.provider);
  if (!room.ok() || room.value()) return RowError::full;
  // A clock that was set back does not extend any lifetime; a clock that is not trusted yet changes no end.
  const base::WallTime latest = whole_seconds(wall + limits_.hold);
  insert(name, read->where, rank, expired_ == Expired::kept ? read->expires : std::min(read->expires, latest));
  check();
  return {};
}

RowChange Providers::sweep(base::WallTime wall) {
  expire(wall, kProvidersSweptMax - std::min(kProvidersSweptMax, owed_.size()));
  return take_owed();
}

std::optional<base::WallTime> Providers::wake_at() const {
  if (!owed_.empty()) return base::WallTime{};
  if (by_expiry_.empty() || expired_ == Expired::kept) return std::nullopt;
  return (*by_expiry_.begin())->second.expires;
}

RowChange Providers::forget(const Key& key, const base::NodeId& provider) {
  const Name name{base::distance(own_, key), provider};
  if (announced_.contains(name)) remove(name);
  owed_.insert(name);
  check();
  return take_owed();
}

base::Bytes Providers::row_key(const Key& key, const base::NodeId& provider) {
  base::Bytes out;
  append(out, key.view());
  append(out, provider.view());
  return out;
}

std::optional<Providers::Row> Providers::read_row(base::ByteView row_key, base::ByteView row) {
  const auto name = read_row_key(row_key);
  const auto value = read_value(row);
  if (!name || !value) return std::nullopt;
  return Row{name->first, {name->second, value->where}, value->expires};
}

std::optional<std::pair<Key, base::NodeId>> Providers::read_row_key(base::ByteView row_key) {
  FieldReader in(row_key);
  const Key key = in.fixed<Key>();
  const auto provider = in.fixed<base::NodeId>();
  return in.ended() ? std::optional(std::pair(key, provider)) : std::nullopt;
}

bool Providers::has(const Key& key, const base::NodeId& provider) const {
  return announced_.contains({base::distance(own_, key), provider});
}

std::vector<base::Bytes> Providers::rows(const std::optional<base::Bytes>& after, std::size_t rows_max) const {
  auto next = announced_.begin();
  if (const auto name = after ? read_row_key(*after) : std::nullopt)
    next = announced_.upper_bound({base::distance(own_, name->first), name->second});
  std::vector<base::Bytes> out;
  for (; next != announced_.end() && out.size() < rows_max; ++next) out.push_back(row_key(next->first));
  return out;
}

base::Bytes Providers::row_key(const Name& name) const {
  return row_key(base::distance(own_, name.distance), name.provider);
}

RowChange Providers::take_owed() {
  RowChange out;
  for (const Name& name : owed_) out.erase.push_back(row_key(name));
  owed_.clear();
  return out;
}

void Providers::check() const {
  base::ensure(announced_.size() <= limits_.announcements_max, "announcements are within limits");
  base::ensure(by_expiry_.size() == announced_.size(), "each announcement has one place in the order of expiry");
  base::ensure(per_peer_.storers() == providers_.size(), "each provider has one share");
}

}  // namespace troupe::dht
