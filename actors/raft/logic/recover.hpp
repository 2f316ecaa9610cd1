#pragma once
// How one survivor continues alone after a majority is lost for good (`recover --force-new-cluster`).
//
// Loses   committed entries that this log lacks. Uncommitted entries of this log count from now on.
// Epoch   is increased by one. Members of the old cluster that come back and this survivor refuse each other's
//         messages.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

struct Forced {
  Restored next;  ///< the start state, once epoch, state and `added` are durable
  Entry added;    ///< follows all other entries: a configuration with only this member
};

/// Returns nullopt if terms or epochs are used up.
std::optional<Forced> force_new_cluster(Restored from);

}  // namespace troupe::raft
