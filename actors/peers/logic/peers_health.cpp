// Which links are pinged, and what follows from answers and silence.
#include <algorithm>
#include <utility>

#include "actors/peers/logic/peers.hpp"
#include "actors/peers/logic/spread.hpp"

namespace troupe::peers {

void Peers::ping_some(base::Instant now, base::Random& random) {
  if (now >= health_due_) {
    health_due_ = now + spread(policy_.health_period, random);
    ++period_;
    pinged_ = 0;
    forget_old(now);
    // Half of the pings are for links that were pinged before, own links first: however many new links come, a dead own
    // link is found. Links that were never pinged follow below in any case.
    const std::size_t half = (policy_.links_target + 1) / 2;
    std::vector<std::pair<base::Instant, base::NodeId>> waiting;
    for (const auto& [id, link] : links_) {
      if (link.pinged_at && !link.pong_due) waiting.emplace_back(*link.pinged_at, id);
    }
    const auto unpinged = static_cast<std::size_t>(
        std::count_if(links_.begin(), links_.end(), [](const auto& entry) { return !entry.second.pinged_at; }));
    std::sort(waiting.begin(), waiting.end());
    const auto own = [&](const auto& one) { return links_.at(one.second).own; };
    const auto others = std::stable_partition(waiting.begin(), waiting.end(), own);
    std::sort(std::min(others, waiting.begin() + std::min(half, waiting.size())), waiting.end());
    const std::size_t left = policy_.links_target - std::min(unpinged, policy_.links_target);
    waiting.resize(std::min(waiting.size(), std::max(left, half)));
    for (const auto& [at, id] : waiting) ping(id, links_.at(id), now);
  }
  for (auto& [id, link] : links_) {
    const bool wanted = link.again_at ? *link.again_at <= now : !link.pinged_at;
    if (!wanted || link.pong_due) continue;
    if (link.pinged_in == period_ || pinged_ < policy_.links_target) ping(id, link, now);
    else if (link.again_at) link.again_at = health_due_;
  }
}

void Peers::ping(const base::NodeId& id, Link& link, base::Instant now) {
  if (link.pinged_in != period_) ++pinged_;
  link.pinged_in = period_;
  link.pinged_at = now;
  link.again_at.reset();
  link.pong_due = now + kPingTimeout;
  decisions_.push_back(SendPing{id, *link.pong_due});
}

Decisions Peers::ponged(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now,
                        base::Random& random) {
  const auto at = links_.find(id);
  if (at != links_.end() && at->second.pong_due) {
    Link& link = at->second;
    count(link, false);
    const bool fresh = !std::exchange(link.answered, true);
    link.missed = 0;
    count(link, true);
    link.pong_due.reset();
    link.rtt = round_trip;
    book_.heard(id, round_trip, now);
    if (const KnownPeer* const peer = book_.find(id)) link.rtt = peer->rtt;
    met_ = true;
    if (fresh) {  // a new peer may know other peers, and may be passed on
      working_due_ = now;
      eager_gap_ = kExchangeGap;
      if (!asked_ && links_.size() < policy_.links_target) exchange_due_ = std::min(exchange_due_, now);
    }
  }
  return settle(now, random);
}

Decisions Peers::ping_failed(const base::NodeId& id, base::Instant now, base::Random& random) {
  const auto at = links_.find(id);
  if (at != links_.end() && at->second.pong_due) miss(id, now);
  return settle(now, random);
}

void Peers::expire_pings(base::Instant now) {
  std::vector<base::NodeId> overdue;
  for (const auto& [id, link] : links_) {
    if (link.pong_due && *link.pong_due <= now) overdue.push_back(id);
  }
  for (const auto& id : overdue) miss(id, now);
}

void Peers::miss(const base::NodeId& id, base::Instant now) {
  Link& link = links_.at(id);
  count(link, false);
  ++link.missed;
  count(link, true);
  link.pong_due.reset();
  link.again_at = now + kPingAgain;
  links_due_ = std::min(links_due_, *link.again_at);
  book_.missed(id);
  if (link.missed < kPingsMissedMax) return;
  book_.failed(id, now);
  mutations_->sometimes("peers: a silent link was dropped");
  drop_link(id, DropReason::silent);
  retry_at_.insert_or_assign(id, now + kRetryMin);
}

/// Returns the expected peers. A link that has not answered yet does not count: it would be missing before it could be
/// healthy.
std::vector<base::NodeId> Peers::expected_peers(base::Instant now) const {
  std::vector<base::NodeId> out;
  const auto add = [&](const base::NodeId& id, bool counts) {
    if (counts && out.size() < policy_.healthy_min) out.push_back(id);
    return out.size() < policy_.healthy_min;
  };
  for (const auto& [id, link] : links_) add(id, link.answered);
  const auto missed = [&](const base::NodeId& id) { return !links_.contains(id) && welcome(id, now); };
  for (auto one = left_.begin(); one != left_.end(); ++one)
    if (!add(one->first, now - one->second < kFresh && missed(one->first))) return out;
  for (auto one = book_.rows().begin(); one != book_.rows().end(); ++one) {
    const auto& proven = one->second.last_success;
    if (!add(one->first, proven && now - *proven < kFresh && missed(one->first) && !left_.contains(one->first)))
      return out;
  }
  return out;
}

std::size_t Peers::expected(base::Instant now) const {
  if (healthy_ >= policy_.healthy_min)
    return policy_.healthy_min;  // the code below would return the same: this is
                                 // called often
  const bool joins = std::ranges::any_of(seeds_, [](const Seed& seed) { return !seed.ourselves; });
  const std::size_t least = joins || met_ ? 1 : 0;
  return std::min(std::max(expected_peers(now).size(), least), policy_.healthy_min);
}

std::vector<base::NodeId> Peers::missing(base::Instant now) const {
  std::vector<base::NodeId> out = expected_peers(now);
  std::erase_if(out, [&](const base::NodeId& id) { return state_of(id, now) == State::healthy; });
  return out;
}

State Peers::state_of(const base::NodeId& id, base::Instant now) const {
  if (const auto at = links_.find(id); at != links_.end()) {
    if (at->second.missed > 0) return State::unhealthy;
    return at->second.answered ? State::healthy : State::linked;
  }
  if (banned_until(id, now)) return State::banned;
  return dialling(id) ? State::dialling : State::known;
}

}  // namespace troupe::peers
