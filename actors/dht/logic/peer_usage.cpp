#include "actors/dht/logic/peer_usage.hpp"

#include <iterator>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {

void PeerUsage::add(const base::NodeId& storer, const Key& distance, std::uint64_t weight) {
  const auto share = per_peer_.try_emplace(storer).first;
  if (!share->second.distances.empty()) order_.erase(rank_of(*share));
  base::ensure(share->second.distances.insert(distance).second, "a storer has one thing at a place");
  share->second.weight += weight;
  order_.insert(rank_of(*share));
}

void PeerUsage::remove(const base::NodeId& storer, const Key& distance, std::uint64_t weight) {
  const auto share = per_peer_.find(storer);
  base::ensure(share != per_peer_.end(), "what is removed was added");
  order_.erase(rank_of(*share));
  base::ensure(share->second.distances.erase(distance) == 1, "what is removed was added");
  share->second.weight -= weight;
  if (share->second.distances.empty()) per_peer_.erase(share);
  else order_.insert(rank_of(*share));
}

std::uint64_t PeerUsage::weight_of(const base::NodeId& storer) const {
  const auto share = per_peer_.find(storer);
  return share == per_peer_.end() ? 0 : share->second.weight;
}

std::optional<PeerUsage::Most> PeerUsage::most() const {
  if (order_.empty()) return std::nullopt;
  return most(*order_.rbegin());
}

std::optional<PeerUsage::Most> PeerUsage::next(const Most& one) const {
  const auto at = order_.lower_bound({one.weight, *one.distances->rbegin(), one.storer});
  if (at == order_.begin()) return std::nullopt;
  return most(*std::prev(at));
}

}  // namespace troupe::dht
