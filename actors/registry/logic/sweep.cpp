#include "actors/registry/logic/sweep.hpp"

#include <algorithm>
#include <array>

namespace troupe::registry {
namespace {
/// Our choice: if there are that many groups, fewer could place all their nodes in any group.
constexpr std::size_t kSitesAgree = 3;
}  // namespace

std::optional<base::NodeId> Region::behind() const {
  base::NodeId out = prefix;
  // Adds one to the last bit of the prefix.
  for (unsigned bit = bits; bit-- > 0;) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
    out.bytes[bit / 8] ^= mask;
    if ((out.bytes[bit / 8] & mask) != 0) return out;
  }
  return std::nullopt;
}

Region region_of(const base::NodeId& at, std::span<const base::NodeId> nearest, std::size_t most) {
  Region out;
  if (nearest.size() >= most && !nearest.empty()) {
    const auto farthest = std::ranges::min_element(nearest, {}, [&](const auto& id) { return shared_bits(at, id); });
    out.bits = static_cast<unsigned>(std::min(shared_bits(at, *farthest) + 1, 8 * base::NodeId::kBytes));
  }
  out.prefix = first_bits(at, out.bits);
  return out;
}

bool Gathered::take(const base::NodeId& by, const Said& said, bool trusted) {
  const auto beat = read_checked_heartbeat(said.beat);
  if (!beat) return false;
  const base::NodeId id = beat->id();
  if (!region_.contains(id) || (nodes_.size() >= kRegionRowsMax && !nodes_.contains(id))) return false;
  const auto at = nodes_.try_emplace(id).first;
  One& one = at->second;
  const bool good = take_registration(one, id, said.registration, trusted) && take_beat(one, said.beat, trusted) &&
                    one.found.registration->key == beat->key && one.found.registration->nonce == beat->nonce;
  if (good) one.votes.insert_or_assign(by, Vote{said.status, said.heard_ms, said.unheard, said.site});
  if (good && trusted && by != id) {
    one.found.here = true;
    one.found.site = said.site;
  }
  if (good) take_vouches(one, id, said.vouches);
  else if (one.votes.empty()) nodes_.erase(at);
  return good;
}

bool Gathered::take_registration(One& one, const base::NodeId& id, base::ByteView bytes, bool trusted) const {
  Found& found = one.found;
  if (found.registration && std::ranges::equal(bytes, found.registration_bytes)) return true;
  auto read = parse_registration(bytes);
  // A registration of another node would replace this node's.
  if (!read || read->id() != id) return false;
  if (found.registration && found.registration->sequence >= read->sequence) return true;
  if (!trusted && fault(bytes, read->key, read->nonce, work_bits_)) return false;
  found.registration = std::move(read);
  found.registration_bytes.assign(bytes.begin(), bytes.end());
  return true;
}

bool Gathered::take_beat(One& one, base::ByteView bytes, bool trusted) const {
  Found& found = one.found;
  if (found.beat && std::ranges::equal(bytes, found.beat_bytes)) return true;
  const auto beat = read_checked_heartbeat(bytes);
  if (found.beat && beat->number <= found.beat->number) return true;
  if (!trusted && fault(bytes, beat->key, beat->nonce, work_bits_)) return false;
  found.beat = beat;
  found.beat_bytes.assign(bytes.begin(), bytes.end());
  return true;
}

/// Leaves out invalid vouches, so that a watcher cannot spoil what other watchers show.
void Gathered::take_vouches(One& one, const base::NodeId& id, std::span<const base::ByteView> all) const {
  std::vector<Vouch>& known = one.found.vouches;
  for (const base::ByteView bytes : all.first(std::min(all.size(), kVouchesMax))) {
    const auto vouch = parse_vouch(bytes);
    if (!vouch || vouch->node != id) continue;
    const auto same = std::ranges::find_if(
        known, [&](const Vouch& other) { return other.by == vouch->by && other.by_nonce == vouch->by_nonce; });
    const bool newer = same == known.end() || same->unix_ms < vouch->unix_ms;
    const bool room = same != known.end() || known.size() < kWatchers * kVouchesMax;
    if (!newer || !room || fault(bytes, vouch->by, vouch->by_nonce, work_bits_)) continue;
    if (same != known.end()) *same = *vouch;
    else known.push_back(*vouch);
  }
}

std::vector<std::pair<base::NodeId, base::Contact>> Gathered::unasked(std::size_t most, std::size_t each_site) {
  struct Named {
    base::NodeId id;
    Heard from;
  };
  std::vector<Named> named;
  const std::set<base::NodeId> asked(asked_.begin(), asked_.end());
  for (const auto& [id, one] : nodes_) {
    const auto& node = one.found.registration;
    const bool lives =
        std::ranges::any_of(one.votes, [](const auto& vote) { return vote.second.status != Status::offline; });
    if (node && node->registered && node->at.dialable() && lives && !asked.contains(id))
      named.push_back({id, heard_from(id, one, watchers_of(id))});
  }
  std::ranges::stable_sort(named, std::ranges::greater(), [](const Named& one) { return one.from.sites; });
  std::vector<std::pair<base::NodeId, base::Contact>> out;
  for (const auto& [id, from] : named) {
    if (out.size() == most) break;
    if (from.sites <= 1) {
      std::size_t& asked_of_site = named_from_one_[from.named_from];
      if (asked_of_site == each_site) continue;
      ++asked_of_site;
    }
    const Registration& node = *nodes_.at(id).found.registration;
    out.emplace_back(id, base::Contact{node.key, node.nonce, node.at});
    if (from.site) sites_.emplace(id, *from.site);
  }
  for (const auto& [id, contact] : out) asked_.push_back(id);
  return out;
}

base::AddressGroup Gathered::site_of(const base::NodeId& watcher) const {
  const auto known = sites_.find(watcher);
  return known == sites_.end() ? group_alone(watcher) : known->second;
}

std::vector<base::NodeId> Gathered::watchers_of(const base::NodeId& id) const {
  std::vector<base::NodeId> out;
  for (const base::NodeId& node : asked_)
    if (node != id) out.push_back(node);
  const auto nearer = [&id](const auto& a, const auto& b) { return base::distance(a, id) < base::distance(b, id); };
  const std::size_t first = std::min(out.size(), kWatchers);
  std::ranges::partial_sort(out, out.begin() + static_cast<std::ptrdiff_t>(first), nearer);
  out.resize(first);
  return out;
}

/// Returns two if there are no more groups, or fewer nodes than kWatchers: then no node was placed here by its id.
std::size_t Gathered::sites_to_agree(const base::NodeId& id, std::size_t watchers) const {
  std::set<base::AddressGroup> there;
  for (const base::NodeId& node : asked_)
    if (node != id) there.insert(site_of(node));
  return watchers < kWatchers ? kSitesAgree - 1 : std::clamp(there.size(), kSitesAgree - 1, kSitesAgree);
}

Gathered::Heard Gathered::heard_from(const base::NodeId& id, const One& one,
                                     std::span<const base::NodeId> watchers) const {
  Heard out;
  std::set<base::AddressGroup> all, spoke;
  std::map<base::AddressGroup, std::size_t> said;
  std::set<base::AddressGroup> said_of_own;
  for (const base::NodeId& by : watchers) {
    const base::AddressGroup from = site_of(by);
    all.insert(from);
    const auto vote = one.votes.find(by);
    if (vote == one.votes.end() || !spoke.insert(from).second) continue;
    if (!out.named_from) out.named_from = from;
    const base::AddressGroup site = vote->second.site.value_or(group_of(id, one.found.registration->at));
    ++said[site];
    if (site == from) said_of_own.insert(site);
  }
  out.sites = spoke.size();
  // If none of the nearest nodes names it, the next node that does.
  for (const auto& [by, vote] : one.votes)
    if (!out.named_from && by != id) out.named_from = site_of(by);
  const auto most = std::ranges::max_element(said, {}, [](const auto& of) { return of.second; });
  const bool agreed = most != said.end() && 2 * most->second > all.size() &&
                      (most->second >= sites_to_agree(id, watchers.size()) || said_of_own.contains(most->first));
  out.site = agreed ? most->first : out.named_from;
  if (one.found.here) out.site = one.found.site;
  return out;
}

std::map<base::NodeId, Found> Gathered::end(const Fresh& fresh) {
  std::map<base::NodeId, Found> out;
  for (auto& entry : nodes_) {
    const base::NodeId& id = entry.first;  // clang 15 cannot capture bindings in lambdas
    One& one = entry.second;
    // The node itself counts only if no other node does.
    const auto watchers = watchers_of(id);
    const Heard from = heard_from(id, one, watchers);
    one.found.sites = from.sites;
    one.found.site = from.site;
    std::array<std::size_t, 3> counts{};
    std::uint64_t heard = UINT64_MAX;
    const auto count = [&](const base::NodeId& by, bool unheard) {
      const auto vote = one.votes.find(by);
      if (vote == one.votes.end() || vote->second.unheard != unheard) return;
      ++counts[static_cast<std::size_t>(vote->second.status)];
      ++one.found.votes;
      heard = std::min(heard, vote->second.heard_ms);
    };
    for (const bool unheard : {false, true}) {
      if (one.found.votes > 0) break;
      one.found.unheard = unheard;
      for (const base::NodeId& by : watchers) count(by, unheard);
      if (one.found.votes > 0) break;
      for (const auto& [by, vote] : one.votes)
        if (by != id) count(by, unheard);
    }
    if (one.found.votes == 0) {
      one.found.unheard = false;
      count(id, false);
      one.found.votes = 0;
    }
    // The first maximum, which is the better status.
    one.found.status = static_cast<Status>(std::ranges::max_element(counts) - counts.begin());
    // A watcher that has restarted does not count.
    const bool heard_lately = std::ranges::any_of(
        one.votes, [&](const auto& vote) { return !vote.second.unheard && vote.second.heard_ms < fresh.within_ms; });
    // A recent statement of the node itself overrules all watchers: that it is alive, and its status.
    if (heard_lately && fresh.has(*one.found.beat)) one.found.status = judge(*one.found.beat, fresh.thresholds);
    one.found.heard_ms = heard;
    if (one.found.registration->registered) out.emplace(id, std::move(one.found));
  }
  return out;
}

}  // namespace troupe::registry
