// The contacts of a swarm's nodes: the work of their heads and buckets in dht_actor.cpp and bucket_actor.cpp.
#include "apps/sim/dht_model/draw.hpp"
#include "apps/sim/dht_model/swarm.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHealthyMin = 3;              // same as in dht_actor.cpp
constexpr std::chrono::seconds kRecoverPeriod{30};  // same as in DhtSettings
constexpr std::chrono::minutes kRefreshPeriod{1};   // same as in DhtSettings
constexpr std::chrono::seconds kRefreshNext{1};     // same as in dht_actor.cpp

}  // namespace

void Swarm::hear(Node& node, const Contact& who, Evidence evidence) {
  const auto range = node.routing->table.offer(who, evidence, agenda_.now());
  if (!range.ok()) return;
  Bucket& bucket = node.routing->buckets.try_emplace(range.value(), node.contact.id, range.value()).first->second;
  const auto pings = bucket.hear(who, evidence, agenda_.now());
  if (pings.ok()) ping(node, pings.value());
  changed(node, range.value(), who.id);
}

void Swarm::miss(Node& node, const Contact& peer) {
  const auto range = node.routing->table.failed(peer);
  if (!range) return;
  const auto bucket = node.routing->buckets.find(*range);
  if (bucket == node.routing->buckets.end()) return;
  ping(node, bucket->second.failed(peer.id, agenda_.now()));
  changed(node, *range, {});
}

void Swarm::ping(Node& node, const std::vector<Ping>& pings) {
  for (const Ping& one : pings) {
    exchange(
        member(node), one.whom, one.answer_due, [](Node&) { return Said{}; },
        [this, &node, peer = one.whom](const Said* said) {
          const auto range = range_of(node.contact.id, peer.id);
          const auto bucket = node.routing->buckets.find(*range);
          if (bucket == node.routing->buckets.end()) return;
          ping(node,
               said != nullptr ? bucket->second.answered(peer, agenda_.now()) : bucket->second.expire(agenda_.now()));
          changed(node, *range, {});
        });
  }
}

void Swarm::changed(Node& node, Range range, const Key& settled) {
  Routing& routing = *node.routing;
  const auto bucket = routing.buckets.find(range);
  const auto leave = routing.table.replace(range, bucket->second.listing());
  for (const Key& id : leave) ping(node, bucket->second.forget(id, agenda_.now()));
  if (!leave.empty()) routing.table.replace(range, bucket->second.listing());
  if (settled != Key{}) routing.table.settled(settled);
  if (bucket->second.empty()) {
    routing.buckets.erase(bucket);
    return;
  }
  const base::Instant at = bucket->second.wake_at();
  auto& wakes = routing.wakes.try_emplace(range, base::Instant::max()).first->second;
  if (at >= wakes) return;
  wakes = at;
  later(member(node), at, [this, range, at](Node& mine) {
    auto& due = mine.routing->wakes[range];
    if (due != at) return;
    due = base::Instant::max();
    wake(mine, range);
  });
}

void Swarm::wake(Node& node, Range range) {
  const auto bucket = node.routing->buckets.find(range);
  if (bucket == node.routing->buckets.end()) return;
  ping(node, bucket->second.expire(agenda_.now()));
  changed(node, range, {});
}

std::vector<Contact> Swarm::seeds_of(const Node& node) {
  std::vector<Contact> out;
  for (std::size_t i = 0; i < 4 * kSeeds && out.size() < std::min(kSeeds, up_.size() - 1); ++i) {
    const Contact& one = members_[up_[random_.below(up_.size())]]->contact;
    if (one != node.contact && std::ranges::find(out, one) == out.end()) out.push_back(one);
  }
  return out;
}

/// Runs the four phases, and repeats them while there are too few contacts.
void Swarm::recover(Node& node) {
  const auto seeds = seeds_of(node);
  later(member(node), agenda_.now() + kRecoverPeriod, [this](Node& mine) {
    if (mine.routing->table.size() < kHealthyMin) return recover(mine);
    mine.ready = true;
  });
  for (const Contact& one : seeds) hear(node, one, Evidence::asked_us);
  search(node, {LookupKind::find_node, node.contact.id, 0, seeds}, [this, &node](const LookupOutcome&) {
    node.ready = node.ready || node.routing->table.size() >= kHealthyMin;
    refresh(node);
  });
}

void Swarm::refresh_in(Node& node, base::Duration span) {
  later(member(node), agenda_.now() + span, [this, turn = ++node.routing->refresh_turn](Node& mine) {
    if (mine.routing->refresh_turn == turn) refresh(mine);
  });
}

/// Refreshes one stale range at a time.
void Swarm::refresh(Node& node) {
  refresh_in(node, kRefreshPeriod);
  Routing& routing = *node.routing;
  if (routing.refreshing || routing.table.size() == 0) return;
  const auto stale = routing.table.stale(agenda_.now());
  if (stale.empty()) return;
  routing.refreshing = true;
  const Key target = random_key(node.contact.id, stale.front(), random_);
  search(node, {LookupKind::find_node, target}, [this, &node](const LookupOutcome&) {
    node.routing->refreshing = false;
    refresh_in(node, kRefreshNext);
  });
}

}  // namespace troupe::dht::model
