#pragma once
// The nodes that `--cluster` adds to the named nodes: the peers of all of them, each node once.
//
// Local    a local node that was not named is known only once it has responded. Until then no node is added, because
//          the same node might be added again by its address.
#include <set>
#include <string>
#include <vector>

#include "apps/cli/command.hpp"
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

class Cluster {
 public:
  /// `local`: the first node (0) was not named.
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
