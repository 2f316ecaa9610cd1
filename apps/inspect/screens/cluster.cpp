#include "apps/inspect/screens/cluster.hpp"

#include "runtime/config/forms.hpp"

namespace troupe::apps::screens {

std::vector<NodeAddress> Cluster::note(const News& news) {
  std::vector<NodeAddress> out;
  if (news.status) known_.insert(news.status->node);
  if (news.status && news.node == 0) waits_ = false;
  if (waits_ || !news.peers) return out;
  for (const PeerRow& row : *news.peers) {
    if (row.state != "healthy" && row.state != "linked") continue;
    const auto node = config::PeerAddress::parse(row.node + '@' + row.address);
    if (!node || !node->pinned || !known_.insert(row.node).second) continue;
    out.push_back({*node->pinned, node->at});
  }
  return out;
}

}  // namespace troupe::apps::screens
