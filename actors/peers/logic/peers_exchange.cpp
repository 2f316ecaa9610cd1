// Which contacts are requested, passed on and believed.
#include <algorithm>
#include <utility>

#include "actors/peers/logic/peers.hpp"
#include "actors/peers/logic/spread.hpp"

namespace troupe::peers {

// Asks one healthy peer: every period, and while links are missing more often, at growing intervals.
void Peers::exchange(base::Instant now, base::Random& random) {
  if (asked_ && asked_due_ <= now) asked_.reset();
  if (asked_ || now < exchange_due_) return;
  exchange_due_ = now + spread(policy_.exchange_period, random);
  std::vector<base::NodeId> friends;
  for (const auto& [id, link] : links_) {
    if (link.answered && link.missed == 0) friends.push_back(id);
  }
  if (friends.empty()) return;
  asked_ = friends[random.below(friends.size())];
  asked_due_ = now + kExchangeTimeout;
  decisions_.push_back(AskContacts{*asked_, asked_due_});
  if (links_.size() >= policy_.links_target) return;
  exchange_due_ = std::min(exchange_due_, now + eager_gap_);
  eager_gap_ = std::min(eager_gap_ * 2, policy_.exchange_period);
}

// With too few healthy links all options are tried: known peers are dialled without waiting, and contacts are requested
// again. Seeds have their own wait, which ends with the same period (peers_dial.cpp).
void Peers::rejoin(base::Instant now, base::Random& random) {
  if (now < rejoin_due_) return;
  rejoin_due_ = now + spread(policy_.rejoin_period, random);
  if (own_healthy_ >= policy_.healthy_min) return;
  retry_at_.clear();
  candidate_at_.reset();
  if (!asked_) exchange_due_ = std::min(exchange_due_, now);
}

bool Peers::passable(const Contact& contact, const base::NodeId& to) const {
  if (!contact.endpoint.dialable()) return false;
  const auto link = links_.find(to);
  return !contact.endpoint.is_loopback() || (link != links_.end() && link->second.up.remote.is_loopback());
}

std::vector<Contact> Peers::give(const base::NodeId& asker, std::size_t count_max, base::Instant now,
                                 base::Random& random) {
  if (now >= working_due_) note_working(now);
  const std::size_t most = std::min(count_max, kContactsMax);
  std::vector<Contact> out;
  // A partial random shuffle.
  for (std::size_t i = 0; i < working_.size() && out.size() < most; ++i) {
    std::swap(working_[i], working_[i + random.below(working_.size() - i)]);
    const base::NodeId& id = working_[i];
    const KnownPeer* const peer = book_.find(id);
    if (peer != nullptr && id != asker && !banned_until(id, now) && passable(peer->contact, asker))
      out.push_back(peer->contact);
  }
  return out;
}

void Peers::note_working(base::Instant now) {
  working_due_ = now + kWorkingFor;
  working_.clear();
  for (const auto& [id, peer] : book_.rows()) {
    const bool fresh = peer.last_success && now - *peer.last_success < kFresh && peer.failures == 0;
    const auto link = fresh ? links_.end() : links_.find(id);
    if (fresh || (link != links_.end() && link->second.healthy())) working_.push_back(id);
  }
}

Decisions Peers::contacts(const base::NodeId& from, const std::vector<Contact>& list, base::Instant now,
                          base::Random& random) {
  if (asked_ == from) {
    asked_.reset();
    std::optional<Violation> violation;
    if (list.size() > kContactsMax) violation = Violation::too_many;
    for (std::size_t i = 0; i < list.size() && !violation; ++i) {
      const Contact& contact = list[i];
      const auto id = contact.endpoint.dialable() ? id_of_(contact.key, contact.nonce) : std::nullopt;
      if (!contact.endpoint.dialable()) violation = Violation::undialable;
      else if (!id) violation = Violation::unproven_contact;
      else if (id != self_ && !banned_until(*id, now) && passable(contact, from))
        book_.hear_of(*id, contact, from, now);
    }
    candidate_at_.reset();
    if (violation) add_points(from, *violation, now);
  }
  return settle(now, random);
}

Decisions Peers::contacts_failed(const base::NodeId& from, base::Instant now, base::Random& random) {
  if (asked_ == from) asked_.reset();
  return settle(now, random);
}

// If this node dialled the peer, it knows the address; a peer is believed on links that the peer dialled.
Decisions Peers::advertised(const base::NodeId& id, base::Endpoint endpoint, base::Instant now, base::Random& random) {
  const auto at = links_.find(id);
  if (at != links_.end() && at->second.up.direction == Direction::inbound) {
    const LinkUp& up = at->second.up;
    if (is_unspecified(endpoint)) endpoint.address = up.remote.address;
    const Contact contact{up.key, up.nonce, endpoint};
    if (passable(contact, id)) book_.hear_of(id, contact, id, now);  // it is linked, so it is not a candidate
  }
  return settle(now, random);
}

}  // namespace troupe::peers
