#include "actors/dht/logic/peer_usage.hpp"

#include <iterator>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {

void PeerUsage::add(const base::NodeId& storer, const Site& site, const Key& distance, std::uint64_t weight) {
  const auto share = per_peer_.try_emplace(storer).first;
  if (!share->second.distances.empty()) leave(*share);
  base::ensure(share->second.distances.insert(distance).second, "a storer has one item at a distance");
  share->second.site = site;
  share->second.weight += weight;
  enter(*share);
}

void PeerUsage::remove(const base::NodeId& storer, const Key& distance, std::uint64_t weight) {
  const auto share = per_peer_.find(storer);
  base::ensure(share != per_peer_.end(), "what is removed was added");
  leave(*share);
  base::ensure(share->second.distances.erase(distance) == 1, "what is removed was added");
  share->second.weight -= weight;
  if (share->second.distances.empty()) per_peer_.erase(share);
  else enter(*share);
}

void PeerUsage::move(const base::NodeId& storer, const Site& site) {
  const auto share = per_peer_.find(storer);
  if (share == per_peer_.end()) return;
  leave(*share);
  share->second.site = site;
  enter(*share);
}

void PeerUsage::leave(const All::value_type& share) {
  const auto site = per_site_.find(share.second.site);
  base::ensure(site != per_site_.end(), "each share belongs to a site");
  Peers& peers = site->second;
  order_.erase(rank_of(peers));
  peers.order.erase(rank_of(share));
  peers.weight -= share.second.weight;
  if (peers.order.empty()) per_site_.erase(site);
  else order_.insert(rank_of(peers));
}

void PeerUsage::enter(const All::value_type& share) {
  Peers& peers = per_site_[share.second.site];
  if (!peers.order.empty()) order_.erase(rank_of(peers));
  peers.order.insert(rank_of(share));
  peers.weight += share.second.weight;
  order_.insert(rank_of(peers));
}

std::uint64_t PeerUsage::weight_of(const base::NodeId& storer) const {
  const auto share = per_peer_.find(storer);
  return share == per_peer_.end() ? 0 : share->second.weight;
}

std::uint64_t PeerUsage::weight_of(const Site& site) const {
  const auto peers = per_site_.find(site);
  return peers == per_site_.end() ? 0 : peers->second.weight;
}

std::optional<PeerUsage::Most> PeerUsage::most() const {
  if (order_.empty()) return std::nullopt;
  return most(order_.rbegin()->largest);
}

std::optional<PeerUsage::Most> PeerUsage::next(const Most& one) const {
  const Peers& peers = per_site_.at(one.site);
  const auto at = peers.order.find({one.weight, *one.distances->rbegin(), one.storer});
  if (at != peers.order.begin()) return most(*std::prev(at));
  const auto site = order_.find(rank_of(peers));
  if (site == order_.begin()) return std::nullopt;
  return most(std::prev(site)->largest);
}

PeerUsage::Most PeerUsage::most(const Rank& rank) const {
  const Share& share = per_peer_.at(rank.storer);
  return {per_site_.at(share.site).weight, share.site, rank.weight, rank.storer, &share.distances};
}

}  // namespace troupe::dht
