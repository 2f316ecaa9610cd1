// Which nodes to dial, and when to dial again.
#include <algorithm>
#include <utility>

#include "actors/peers/logic/peers.hpp"
#include "actors/peers/logic/spread.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {
namespace {

constexpr std::size_t kAskedForMax = 64;    // our choice: links that are coming up, far more than kDialsMax
constexpr std::int32_t kSubnetPenalty = 5;  // our choice: four links into a network weigh as much as one day's silence
constexpr std::int32_t kSubnetPenaltyMax = 25;  // and never more than an address that fails
constexpr std::int32_t kBriefPenalty = 50;      // our choice: a peer that turned us away ranks below an untried peer
constexpr std::uint32_t kBriefPenalties = 2;    // and then below all others
constexpr std::uint64_t kChance = 20;           // so that not all nodes dial the same best peer

base::HostPort host_port(const base::Endpoint& endpoint) {
  const auto out = base::HostPort::parse(endpoint.text());
  base::ensure(out.has_value(), "a numeric address has a text");
  return *out;
}

bool lives_at(const KnownPeer& peer, const base::HostPort& where) {
  return peer.contact.endpoint.dialable() && host_port(peer.contact.endpoint) == where;
}

}  // namespace

Decisions Peers::dialled(std::uint64_t ticket, const base::NodeId& id, base::Instant now, base::Random& random) {
  const auto at = dials_.find(ticket);
  if (at != dials_.end()) {
    candidate_at_.reset();
    if (at->second.seed) {
      Seed& seed = seeds_[*at->second.seed];
      seed.found = id;
      seed.tried = true;
      seed.failures = 0;
      seed.next_at = now + spread(policy_.rejoin_period, random);
    }
    dials_.erase(at);
    if (const auto link = links_.find(id); link == links_.end()) {
      if (asked_for_.size() >= kAskedForMax) asked_for_.clear();
      asked_for_.insert(id);
    } else if (link->second.up.direction == Direction::outbound && !link->second.own) {
      count(link->second, false);
      link->second.own = true;
      count(link->second, true);
      visit(link->second, std::nullopt);
    }
    if (!links_.contains(id)) retry_at_.insert_or_assign(id, now + spread(kRetryMin, random));  // linked() will follow
  }
  return settle(now, random);
}

Decisions Peers::dial_failed(std::uint64_t ticket, DialFailure why, base::Instant now, base::Random& random) {
  if (dials_.contains(ticket)) fail_dial(ticket, why, now, random);
  return settle(now, random);
}

void Peers::fail_dial(std::uint64_t ticket, DialFailure why, base::Instant now, base::Random& random) {
  const UnderWay dial = dials_.at(ticket);
  dials_.erase(ticket);
  candidate_at_.reset();
  if (dial.seed) {
    Seed& seed = seeds_[*dial.seed];
    seed.ourselves = why == DialFailure::ourselves;
    seed.tried = true;
    if (seed.failures < ~std::uint32_t{0}) ++seed.failures;
    seed.next_at = now + backoff(kSeedRetryMin, policy_.rejoin_period, seed.failures, random);
  }
  if (!dial.to.id || links_.contains(*dial.to.id)) return;
  const KnownPeer* const peer = book_.find(*dial.to.id);
  if (peer == nullptr || !lives_at(*peer, dial.to.where)) return;  // a seed or an operator named another address
  fail_address(peer->id, why, now, random);
}

void Peers::fail_address(const base::NodeId& id, DialFailure why, base::Instant now, base::Random& random) {
  if (why == DialFailure::wrong_identity || why == DialFailure::ourselves) book_.met_another(id, now);
  else book_.failed(id, now);
  mutations_->sometimes("peers: a dial failed and is tried later");
  const base::Duration wait = backoff(kRetryMin, kRetryMax, book_.find(id)->failures, random);
  const bool never = mutations_->on("peers.failed_dial_not_repeated");
  retry_at_.insert_or_assign(id, never ? base::Instant::max() : now + wait);
}

Decisions Peers::not_there(const Contact& contact, DialFailure why, base::Instant now, base::Random& random) {
  const auto id = id_of_(contact.key, contact.nonce);
  const KnownPeer* const peer = id ? book_.find(*id) : nullptr;
  if (peer != nullptr && peer->contact == contact && !links_.contains(*id)) {
    const auto waits = retry_at_.find(*id);
    const bool again = waits != retry_at_.end() && waits->second > now;
    if (!again || why != DialFailure::unreachable) fail_address(*id, why, now, random);
  }
  return settle(now, random);
}

void Peers::expire_dials(base::Instant now, base::Random& random) {
  std::vector<std::uint64_t> overdue;
  for (const auto& [ticket, dial] : dials_) {
    if (dial.due <= now) overdue.push_back(ticket);
  }
  for (const std::uint64_t ticket : overdue) fail_dial(ticket, DialFailure::unreachable, now, random);
}

bool Peers::untried() const {
  return std::ranges::any_of(
      seeds_, [this](const Seed& seed) { return !seed.tried && !(seed.found && links_.contains(*seed.found)); });
}

void Peers::dial_seeds(base::Instant now) {
  if (own_healthy_ >= policy_.healthy_min) return;
  for (std::size_t i = 0; i < seeds_.size() && seed_slots() > 0; ++i) {
    const auto ready = ready_at(seeds_[i]);
    if (ready && *ready <= now) dial(seeds_[i].to, i, false, now);
  }
}

void Peers::dial_more(base::Instant now, base::Random& random) {
  while (dials_wanted() > 0 && now >= candidate_at_.value_or(now)) {
    const auto id = best_candidate(now, random);
    if (!id) return;
    dial({*id, host_port(book_.find(*id)->contact.endpoint)}, std::nullopt, false, now);
  }
}

std::uint64_t Peers::dial(Target to, std::optional<std::size_t> seed, bool by_person, base::Instant now) {
  const base::Instant due = now + kDialTimeout;
  decisions_.push_back(Dial{++ticket_, to, due, seed.has_value()});
  dials_.emplace(ticket_, UnderWay{std::move(to), due, seed, by_person});
  return ticket_;
}

std::size_t Peers::dials_by_person() const {
  return static_cast<std::size_t>(
      std::count_if(dials_.begin(), dials_.end(), [](const auto& entry) { return entry.second.by_person; }));
}

std::size_t Peers::slots() const {
  const std::size_t own = dials_.size() - dials_by_person();
  return kDialsMax - std::min(own, kDialsMax);
}

// Returns free seed slots. Half of all slots are kept for known peers; otherwise a list of dead seeds would keep them
// waiting.
std::size_t Peers::seed_slots() const {
  const auto used = static_cast<std::size_t>(
      std::count_if(dials_.begin(), dials_.end(), [](const auto& entry) { return entry.second.seed.has_value(); }));
  return std::min(slots(), kSeedDialsMax - std::min(used, kSeedDialsMax));
}

std::size_t Peers::dials_wanted() const {
  const auto missing = [&](std::size_t links, std::size_t target) {
    return target - std::min(links + dials_.size(), target);
  };
  const std::size_t own = missing(own_, (policy_.links_target + 1) / 2);
  return std::min(slots(), std::max(missing(links_.size(), policy_.links_target), own));
}

bool Peers::dialling(const base::NodeId& id) const {
  return std::any_of(dials_.begin(), dials_.end(), [&](const auto& entry) { return entry.second.to.id == id; });
}

// Returns when that peer may be dialled; nullopt if it cannot be, or if it is dialled or linked already.
std::optional<base::Instant> Peers::ready_at(const KnownPeer& peer) const {
  if (!peer.contact.endpoint.dialable() || links_.contains(peer.id) || dialling(peer.id)) return std::nullopt;
  base::Instant out = banned_until(peer.id, now_).value_or(now_);
  for (const auto* waits : {&retry_at_, &held_off_}) {
    if (const auto at = waits->find(peer.id); at != waits->end()) out = std::max(out, at->second);
  }
  return out;
}

std::optional<base::Instant> Peers::ready_at(const Seed& seed) const {
  const auto same = [&](const auto& entry) { return entry.second.to == seed.to; };
  if (seed.ourselves || std::any_of(dials_.begin(), dials_.end(), same)) return std::nullopt;
  base::Instant out = seed.next_at;
  if (!seed.found) return out;
  if (links_.contains(*seed.found) || dialling(*seed.found)) return std::nullopt;
  if (const auto held = held_off_.find(*seed.found); held != held_off_.end()) out = std::max(out, held->second);
  return std::max(out, banned_until(*seed.found, now_).value_or(out));
}

base::Instant Peers::next_dial_at() const {
  base::Instant out = base::Instant::max();
  if (slots() == 0) return out;  // a dial has to end first
  if (own_healthy_ < policy_.healthy_min && seed_slots() > 0) {
    for (const Seed& seed : seeds_) out = std::min(out, ready_at(seed).value_or(out));
  }
  if (dials_wanted() > 0) out = std::min(out, candidate_at_.value_or(now_));
  return out;
}

// Returns the best peer to dial. If there is none, notes when the next can be dialled, because this runs at each input
// and a book is long.
std::optional<base::NodeId> Peers::best_candidate(base::Instant now, base::Random& random) {
  base::Instant next = base::Instant::max();
  std::map<Subnet, std::int32_t> links_in;
  for (const auto& [id, link] : links_) ++links_in[subnet_of(link.up.remote)];
  for (const auto& [ticket, dial] : dials_) {
    if (const KnownPeer* peer = dial.to.id ? book_.find(*dial.to.id) : nullptr)
      ++links_in[subnet_of(peer->contact.endpoint)];
  }
  std::optional<base::NodeId> best;
  std::int32_t best_score = 0;
  for (const auto& [id, peer] : book_.rows()) {
    const auto ready = ready_at(peer);
    if (ready) next = std::min(next, *ready);
    if (!ready || *ready > now) continue;
    const auto neighbours = links_in.find(subnet_of(peer.contact.endpoint));
    std::int32_t score = peer.score(now) + static_cast<std::int32_t>(random.below(kChance));
    if (neighbours != links_in.end()) score -= std::min(neighbours->second * kSubnetPenalty, kSubnetPenaltyMax);
    if (const auto brief = brief_.find(id); brief != brief_.end())
      score -= static_cast<std::int32_t>(std::min(brief->second, kBriefPenalties)) * kBriefPenalty;
    if (best && score <= best_score) continue;
    best = id;
    best_score = score;
  }
  if (!best) candidate_at_ = next;
  return best;
}

}  // namespace troupe::peers
