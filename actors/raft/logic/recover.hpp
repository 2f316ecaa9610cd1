#pragma once
// How one survivor goes on alone after a majority is lost for good (`recover --force-new-cluster`).
//
// Loses   what the others had committed and this log lacks. Entries here that were never committed count from now on.
// Epoch   one more: members of the old cluster that come back are refused, by both sides.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

struct Forced {
  Restored next;  ///< to start from, once epoch, state and `added` are durable
  Entry added;    ///< behind all others: a configuration of this member alone
};

/// Nothing if terms or epochs are used up.
std::optional<Forced> force_new_cluster(Restored from);

}  // namespace troupe::raft
