#include "actors/files/logic/catalogue.hpp"

#include <algorithm>

#include "actors/files/logic/catalogue_rows.hpp"
#include "actors/files/logic/file_name.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <class Map, class Key>
const typename Map::mapped_type& find_or_empty(const Map& map, const Key& key) {
  static const typename Map::mapped_type kEmpty{};
  const auto at = map.find(key);
  return at == map.end() ? kEmpty : at->second;
}

bool contains(std::span<const base::NodeId> nodes, const base::NodeId& node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

base::Result<void, RowError> Catalogue::load(const Row& row) {
  if (!write(row)) return RowError::corrupt;
  return {};
}

Change Catalogue::leftovers() const {
  Change out;
  for (const auto& [cid, contents] : contents_) {
    if (entries_.contains(cid)) continue;
    for (const auto& [key, holders] : contents) out.erase.push_back(holders_key(cid, key));
  }
  for (const auto& [cid, nodes] : claimed_at_) {
    if (entries_.contains(cid)) continue;
    for (const base::NodeId& node : nodes) out.erase.push_back(claimed_at_key(cid, node));
  }
  for (const auto& [node, kept] : kept_) {
    const auto claims = [this, &id = node](const auto& one) {
      return entries_.contains(one.first) && one.second.contains(id);
    };
    if (std::ranges::none_of(claimed_at_, claims)) out.erase.push_back(kept_key(node));
  }
  return out;
}

Change Catalogue::plan_kept(const base::NodeId& node, const Kept& kept) const {
  const auto known = kept_.find(node);
  if (known != kept_.end() && known->second.day == kept.day) return {};  // even if its other values have changed
  return {{kept_row(node, kept)}, {}};
}

std::optional<base::WallTime> Catalogue::copies_end(const Cid& cid) const {
  std::set<base::NodeId> holders;
  for (const auto& [key, nodes] : contents(cid)) holders.insert(nodes.begin(), nodes.end());
  std::optional<base::WallTime> out;
  for (const base::NodeId& node : holders) {
    const auto known = kept_.find(node);
    if (known == kept_.end()) continue;
    const base::WallTime end(std::chrono::hours(24) * (std::int64_t{known->second.day} + known->second.days));
    out = std::min(out.value_or(end), end);
  }
  return out;
}

void Catalogue::apply(const Change& change) {
  for (const base::Bytes& key : change.erase) base::ensure(erase(key), "a change of the catalogue has rows of it");
  for (const Row& row : change.save) base::ensure(write(row), "a change of the catalogue has rows of it");
}

void Catalogue::check() const {
  std::size_t contents = 0;
  for (const auto& [cid, keys] : contents_) {
    base::ensure(!keys.empty(), "a file that has no objects left is forgotten");
    contents += keys.size();
  }
  base::ensure(contents == contents_count_, "the catalogue counts its objects");
}

bool Catalogue::write(const Row& row) {
  const auto key = parse_catalogue_key(row.key);
  if (!key) return false;
  return std::visit(Overloaded{
                        [&](const Cid& cid) {
                          auto entry = parse_entry(cid, row.value);
                          if (entry) entries_[cid] = std::move(*entry);
                          return entry.has_value();
                        },
                        [&](const HoldersKey& at) {
                          auto holders = parse_holders(row.value);
                          if (!holders) return false;
                          const bool fresh = contents_[at.cid].insert_or_assign(at.key, std::move(*holders)).second;
                          contents_count_ += fresh ? 1 : 0;
                          return true;
                        },
                        [&](const ClaimedAtKey& at) {
                          if (!row.value.empty()) return false;
                          claimed_at_[at.cid].insert(at.node);
                          return true;
                        },
                        [&](const KeptKey& at) {
                          const auto kept = parse_kept(row.value);
                          if (kept) kept_[at.node] = *kept;
                          return kept.has_value();
                        },
                        [&](const PutId& put) {
                          const auto begun = parse_seconds(row.value);
                          if (begun) puts_[put] = *begun;
                          return begun.has_value();
                        },
                        [&](const Release& release) {
                          const auto since = parse_seconds(row.value);
                          if (since) releases_[release] = *since;
                          return since.has_value();
                        },
                    },
                    *key);
}

bool Catalogue::erase(base::ByteView bytes) {
  const auto key = parse_catalogue_key(bytes);
  if (!key) return false;
  std::visit(Overloaded{
                 [&](const Cid& cid) { entries_.erase(cid); },
                 [&](const HoldersKey& at) {
                   const auto contents = contents_.find(at.cid);
                   if (contents == contents_.end()) return;
                   contents_count_ -= contents->second.erase(at.key);
                   if (contents->second.empty()) contents_.erase(contents);
                 },
                 [&](const ClaimedAtKey& at) {
                   const auto nodes = claimed_at_.find(at.cid);
                   if (nodes == claimed_at_.end()) return;
                   nodes->second.erase(at.node);
                   if (nodes->second.empty()) claimed_at_.erase(nodes);
                 },
                 [&](const KeptKey& at) { kept_.erase(at.node); },
                 [&](const PutId& put) { puts_.erase(put); },
                 [&](const Release& release) { releases_.erase(release); },
             },
             *key);
  return true;
}

base::Result<Change, CatalogueError> Catalogue::plan_put(const PutId& put, base::WallTime now) const {
  if (puts_.size() >= limits_.puts_max) return CatalogueError::full;
  return Change{{put_row(put, now)}, {}};
}

base::Result<Change, CatalogueError> Catalogue::plan_add(const PutId& put, const Entry& entry,
                                                         std::span<const HeldContent> contents,
                                                         std::span<const base::NodeId> unbound,
                                                         base::WallTime now) const {
  if (!check_name(entry.name).ok()) return CatalogueError::bad_name;
  base::ensure(entry.replicas >= 1 && entry.replicas <= kReplicasMax, "a file wants 1 to kReplicasMax replicas");
  const auto& known = this->contents(entry.cid);
  if (find(entry.cid) == nullptr && entries_.size() >= limits_.entries_max) return CatalogueError::full;
  if (contents_count_ - known.size() + contents.size() > limits_.contents_max) return CatalogueError::full;
  Change out;
  std::set<base::NodeId> claimed(unbound.begin(), unbound.end());
  for (const HeldContent& content : contents) {
    std::vector<base::NodeId> holders = content.holders;
    for (const base::NodeId& node : find_or_empty(known, content.key))
      if (!contains(holders, node) && holders.size() < kReplicasMax) holders.push_back(node);
    claimed.insert(holders.begin(), holders.end());
    out.save.push_back(holders_row(entry.cid, content.key, holders));
  }
  for (const base::NodeId& node : claimed) out.add(plan_claim_at(entry.cid, node));
  out.add(plan_abandon(put, unbound, now));
  out.save.push_back(entry_row(entry));
  return out;
}

Change Catalogue::plan_abandon(const PutId& put, std::span<const base::NodeId> nodes, base::WallTime now) const {
  Change out;
  for (const base::NodeId& node : nodes) out.save.push_back(release_row({ClaimKind::put, {put.bytes}, node}, now));
  out.erase.push_back(put_key(put));
  return out;
}

base::Result<Change, CatalogueError> Catalogue::plan_remove(const Cid& cid, base::WallTime now) const {
  if (find(cid) == nullptr) return CatalogueError::not_found;
  Change out;
  out.erase.push_back(entry_key(cid));  // first, so that it is in the batch that writes the releases
  for (const base::NodeId& node : claimed_at(cid)) {
    out.save.push_back(release_row({ClaimKind::file, {cid.bytes}, node}, now));
    out.erase.push_back(claimed_at_key(cid, node));
  }
  for (const auto& [key, holders] : contents(cid)) out.erase.push_back(holders_key(cid, key));
  return out;
}

base::Result<Change, CatalogueError> Catalogue::plan_pin(const Cid& cid, bool pinned) const {
  const Entry* entry = find(cid);
  if (entry == nullptr) return CatalogueError::not_found;
  Entry changed = *entry;
  changed.pinned = pinned;
  return Change{{entry_row(changed)}, {}};
}

Change Catalogue::plan_held(const Cid& cid, const ContentKey& key, const base::NodeId& node,
                            std::span<const base::NodeId> absent, base::WallTime now) const {
  Change out;
  const Release release{ClaimKind::file, {cid.bytes}, node};
  if (find(cid) == nullptr) {
    out.save.push_back(release_row(release, now));
    return out;
  }
  out.add(plan_claim_at(cid, node));
  std::vector<base::NodeId> holders = this->holders(cid, key);
  if (contains(holders, node)) return out;
  if (holders.size() >= kReplicasMax) {
    const auto given_up = std::find_if(holders.begin(), holders.end(),
                                       [&](const base::NodeId& holder) { return contains(absent, holder); });
    if (given_up == holders.end()) return out;
    holders.erase(given_up);
  }
  holders.push_back(node);
  out.save.push_back(holders_row(cid, key, holders));
  return out;
}

Change Catalogue::plan_claim_at(const Cid& cid, const base::NodeId& node) const {
  Change out;
  const Release release{ClaimKind::file, {cid.bytes}, node};
  if (releases_.contains(release)) out.erase.push_back(release_key(release));
  if (!claimed_at(cid).contains(node)) out.save.push_back(claimed_at_row(cid, node));
  return out;
}

Change Catalogue::plan_holders(const Cid& cid, const ContentKey& key, std::span<const base::NodeId> holders) const {
  Change out;
  if (contents(cid).contains(key)) out.save.push_back(holders_row(cid, key, holders));
  return out;
}

Change Catalogue::plan_released(const Release& release) const {
  Change out;
  if (releases_.contains(release)) out.erase.push_back(release_key(release));
  return out;
}

std::set<base::NodeId> Catalogue::nodes_with_puts_to_release() const {
  std::set<base::NodeId> out;
  for (const auto& [release, since] : releases_) {
    if (release.kind != ClaimKind::put) break;  // they come first
    out.insert(release.node);
  }
  return out;
}

std::vector<Release> Catalogue::releases(std::size_t max, const std::optional<Release>& after) const {
  std::vector<Release> out;
  auto at = after ? releases_.upper_bound(*after) : releases_.begin();
  for (std::size_t i = 0; i < std::min(max, releases_.size()); ++i, ++at) {
    if (at == releases_.end()) at = releases_.begin();
    out.push_back(at->first);
  }
  return out;
}

Change Catalogue::plan_give_up(base::WallTime now) const {
  std::vector<std::pair<base::WallTime, Release>> oldest;
  for (const auto& [release, since] : releases_) oldest.emplace_back(since, release);
  std::sort(oldest.begin(), oldest.end());
  const std::size_t beyond = oldest.size() > limits_.releases_max ? oldest.size() - limits_.releases_max : 0;
  Change out;
  for (std::size_t i = 0; i < oldest.size(); ++i) {
    if (i >= beyond && now - oldest[i].first < kReleaseTriesFor) break;
    out.erase.push_back(release_key(oldest[i].second));
  }
  return out;
}

const Entry* Catalogue::find(const Cid& cid) const {
  const auto at = entries_.find(cid);
  return at == entries_.end() ? nullptr : &at->second;
}

const std::vector<base::NodeId>& Catalogue::holders(const Cid& cid, const ContentKey& key) const {
  return find_or_empty(contents(cid), key);
}

const std::map<ContentKey, std::vector<base::NodeId>>& Catalogue::contents(const Cid& cid) const {
  return find_or_empty(contents_, cid);
}

const std::set<base::NodeId>& Catalogue::claimed_at(const Cid& cid) const { return find_or_empty(claimed_at_, cid); }

}  // namespace troupe::files
