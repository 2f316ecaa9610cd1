#include "actors/peers/logic/address_book.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "actors/peers/logic/peer_scores.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {

AddressBook::AddressBook(std::size_t known_max, std::size_t per_source_max)
    : known_max_(known_max), per_source_max_(per_source_max) {
  base::ensure(known_max > 0, "a book holds at least one peer");
}

bool AddressBook::restore(KnownPeer peer) {
  if (rows_.size() >= known_max_ || rows_.contains(peer.id)) return false;
  const base::NodeId id = peer.id;
  rows_.emplace(id, std::move(peer));
  return true;
}

Learned AddressBook::hear_of(const base::NodeId& id, const Contact& contact, const base::NodeId& source,
                             base::Instant now) {
  if (KnownPeer* const known = row(id)) {
    if (known->banned(now)) return Learned::banned;
    if (known->contact == contact || (source != id && !doubted(*known))) return Learned::kept;
    known->move(contact, now);
    known->told_by = source;
    known->last_success.reset();
    known->failures = 0;
    if (source == id) save_moved(id, now);
    else save(id);
    return Learned::moved;
  }
  const auto of_source = std::count_if(rows_.begin(), rows_.end(), [&](const auto& entry) {
    return !entry.second.proven() && entry.second.told_by == source;
  });
  if (static_cast<std::size_t>(of_source) >= per_source_max_) return Learned::source_full;
  if (rows_.size() >= known_max_ && !make_room_for_hearsay(now)) return Learned::book_full;
  KnownPeer peer{.id = id, .contact = contact, .told_by = source, .first_seen = now, .last_seen = now};
  rows_.emplace(id, std::move(peer));
  save(id);
  check();
  return Learned::added;
}

// Returns whether another peer's claim about its address is believed.
bool AddressBook::doubted(const KnownPeer& peer) const {
  if (!peer.contact.endpoint.dialable()) return true;
  return !links_.contains(peer.id) && peer.failures >= (peer.proven() ? kHearsayFailuresMax : 1);
}

KnownPeer* AddressBook::linked(const base::NodeId& id, const Contact& contact, base::Instant now) {
  KnownPeer* known = row(id);
  if (known == nullptr) {
    if (rows_.size() >= known_max_ && !make_room_for_link(now)) return nullptr;
    KnownPeer peer{.id = id, .contact = contact, .first_seen = now, .last_seen = now};
    if (!contact.endpoint.dialable()) peer.contact.endpoint = {};
    known = &rows_.emplace(id, std::move(peer)).first->second;
  }
  if (contact.endpoint.dialable()) {
    known->move(contact, now);
    known->last_success = now;
    known->told_by.reset();
    known->failures = 0;
    known->answered();
  }
  known->last_seen = now;
  links_.insert(id);
  save(id);
  check();
  return known;
}

void AddressBook::unlinked(const base::NodeId& id) { links_.erase(id); }

void AddressBook::failed(const base::NodeId& id, base::Instant now) {
  KnownPeer* const known = row(id);
  if (known == nullptr) return;
  known->last_failure = now;
  if (known->failures < ~std::uint32_t{0}) ++known->failures;
  known->missed();
  save(id);
}

void AddressBook::met_another(const base::NodeId& id, base::Instant now) {
  KnownPeer* const known = row(id);
  if (known == nullptr) return;
  known->failures = std::max(known->failures, kHearsayFailuresMax - 1);
  failed(id, now);
}

void AddressBook::heard(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now) {
  KnownPeer* const known = row(id);
  if (known == nullptr) return;
  known->measured(round_trip);
  known->answered();
  touch(id, now);
}

void AddressBook::missed(const base::NodeId& id) {
  if (KnownPeer* const known = row(id)) known->missed();
}

std::optional<base::Instant> AddressBook::ban(const base::NodeId& id, base::Instant now) {
  KnownPeer* const known = row(id);
  if (known == nullptr) return std::nullopt;
  known->banned_until = now + ban_span(known->bans);
  if (known->bans < 0xffff) ++known->bans;
  save(id);
  return known->banned_until;
}

void AddressBook::unban(const base::NodeId& id) {
  KnownPeer* const known = row(id);
  if (known == nullptr || !known->banned_until) return;
  known->banned_until.reset();
  save(id);
}

bool AddressBook::banned(const base::NodeId& id, base::Instant now) const {
  const KnownPeer* const known = find(id);
  return known != nullptr && known->banned(now);
}

void AddressBook::prune(base::Instant now) {
  std::erase_if(moved_at_, [now](const auto& one) { return now - one.second >= kMovedAgain; });
  for (const auto& id : std::exchange(moved_, {})) save_moved(id, now);
  if (links_.empty()) return;
  for (auto at = rows_.begin(); at != rows_.end();) {
    const auto next = std::next(at);
    if (dead(at->second, now)) erase(at);
    at = next;
  }
}

bool AddressBook::forget(const base::NodeId& id) {
  const auto at = rows_.find(id);
  if (at == rows_.end() || links_.contains(id)) return false;
  erase(at);
  return true;
}

bool AddressBook::dead(const KnownPeer& peer, base::Instant now) const {
  if (links_.contains(peer.id) || peer.banned(now)) return false;
  const base::Duration silence = now - peer.last_seen;
  // It is listed as missing for that long.
  if (peer.met() && silence < kFresh) return false;
  if (silence >= kForgetAfter) return true;
  if (!peer.proven()) return peer.failures >= kHearsayFailuresMax;
  return peer.failures >= kProvenFailuresMax && silence >= kSilenceMax;
}

const KnownPeer* AddressBook::find(const base::NodeId& id) const {
  const auto at = rows_.find(id);
  return at == rows_.end() ? nullptr : &at->second;
}

KnownPeer* AddressBook::row(const base::NodeId& id) {
  const auto at = rows_.find(id);
  return at == rows_.end() ? nullptr : &at->second;
}

AddressBook::Changes AddressBook::take_changes() {
  Changes out{{save_.begin(), save_.end()}, {erase_.begin(), erase_.end()}};
  for (const auto& id : save_) {
    const KnownPeer& peer = rows_.at(id);
    saved_at_.insert_or_assign(id, peer.last_seen);
  }
  save_.clear();
  erase_.clear();
  return out;
}

void AddressBook::save(const base::NodeId& id) {
  save_.insert(id);
  erase_.erase(id);
}

void AddressBook::save_moved(const base::NodeId& id, base::Instant now) {
  const auto [last, first] = moved_at_.try_emplace(id, now);
  if (!first && now - last->second < kMovedAgain) {
    moved_.insert(id);
    return;
  }
  last->second = now;
  save(id);
}

void AddressBook::touch(const base::NodeId& id, base::Instant now) {
  rows_.at(id).last_seen = now;
  const auto saved = saved_at_.find(id);
  if (saved == saved_at_.end() || now - saved->second >= kRefreshAfter) save(id);
}

void AddressBook::erase(std::map<base::NodeId, KnownPeer>::iterator at) {
  save_.erase(at->first);
  moved_.erase(at->first);
  moved_at_.erase(at->first);
  saved_at_.erase(at->first);
  erase_.insert(at->first);
  rows_.erase(at);
}

bool AddressBook::make_room_for_hearsay(base::Instant now) {
  auto worst = rows_.end();
  for (auto at = rows_.begin(); at != rows_.end(); ++at) {
    const KnownPeer& peer = at->second;
    if (peer.proven() || links_.contains(at->first) || peer.banned(now)) continue;
    if (peer.failures == 0 && now - peer.last_seen < kSilenceMax) continue;
    const auto rank = [](const KnownPeer& one) { return std::tuple(one.failures, -one.last_seen.since_origin()); };
    if (worst == rows_.end() || rank(peer) > rank(worst->second)) worst = at;
  }
  if (worst == rows_.end()) return false;
  erase(worst);
  return true;
}

bool AddressBook::make_room_for_link(base::Instant now) {
  if (make_room_for_hearsay(now)) return true;
  // Lowest first: hearsay, then proven peers by score, then bans by their end. But bans beyond their part come first,
  // because an attacker with many ids can get them banned at will.
  const auto bans = std::ranges::count_if(rows_, [&](const auto& one) { return one.second.banned(now); });
  const bool many_bans = static_cast<std::size_t>(bans) > std::max<std::size_t>(1, known_max_ / kBansPart);
  const auto rank = [&](const KnownPeer& peer) {
    if (peer.banned(now)) return std::tuple(many_bans ? -1 : 2, *peer.banned_until - now);
    return std::tuple(peer.proven() ? 1 : 0, base::Duration(peer.score(now)));
  };
  auto worst = rows_.end();
  for (auto at = rows_.begin(); at != rows_.end(); ++at) {
    if (links_.contains(at->first)) continue;
    if (worst == rows_.end() || rank(at->second) < rank(worst->second)) worst = at;
  }
  if (worst == rows_.end()) return false;
  erase(worst);
  return true;
}

void AddressBook::check() const { base::ensure(rows_.size() <= known_max_, "a book holds at most its limit"); }

}  // namespace troupe::peers
