#pragma once
// The nodes that `--cluster` adds to the named nodes: all their peers, each node once.
//
// Local    the id of an unnamed local node is known only once the node has responded. Until then no node is added,
//          because the local node might be added a second time, as a peer of another node.
#include <set>
#include <string>
#include <vector>

#include "apps/cli/command.hpp"
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

class Cluster {
 public:
  /// `local`: the first node (0) is the local node, which was not named.
  explicit Cluster(bool local) : waits_(local) {}

  /// Registers a node that is already shown, by its id of 40 hexadecimal digits.
  void name(const std::string& id) { known_.insert(id); }
  /// Returns the nodes to add.
  std::vector<NodeAddress> note(const News& news);

 private:
  bool waits_;
  std::set<std::string> known_;
};

}  // namespace troupe::apps::screens
