#pragma once
// Counters of a node's content store since it started, for describe() and for metrics.
//
// Owner   the node's actors write, across their incarnations; any thread may read.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::files {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  // This node's current files; short and lost as of the watch's last check.
  Count files{0}, contents_owned{0}, contents_short{0}, contents_lost{0}, puts_under_way{0}, streams_under_way{0};
  Count puts_done{0}, puts_failed{0}, streams{0}, copies_made{0};

  // What this node currently stores, for itself and for other nodes.
  Count held_contents{0}, held_bytes{0}, claims{0}, damaged{0};
  Count space{0};  // bytes that other nodes may use here, including used bytes
  Count stored{0}, store_refused{0}, fetched{0}, fetched_bytes{0}, bad_digests{0};
};

/// Returns the counters of this node's files, also for wire::FilesState.
observe::CounterTable files_table(const Counters& counters);
/// Returns the counters of the objects that this node stores, also for wire::HolderState.
observe::CounterTable holder_table(const Counters& counters);
/// Returns all counters, for /metrics.
observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::files
