#pragma once
// What a node has counted of its content store since it started, for describe() and for metrics.
//
// Owner   the actors of one node write, over all their incarnations; every read is safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::files {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  // Files of this node, as they are now; short and lost as the watch saw them last.
  Count files{0}, contents_owned{0}, contents_short{0}, contents_lost{0}, puts_under_way{0}, streams_under_way{0};
  Count puts_done{0}, puts_failed{0}, streams{0}, copies_made{0};

  // What this node holds, for itself and for others, as it is now.
  Count held_contents{0}, held_bytes{0}, claims{0}, damaged{0};
  Count space{0};  // bytes that others may have here, with what they have
  Count stored{0}, store_refused{0}, fetched{0}, fetched_bytes{0}, bad_digests{0};
};

/// Of the files of this node, for wire::FilesState too.
observe::CounterTable files_table(const Counters& counters);
/// Of what this node holds, for wire::HolderState too.
observe::CounterTable holder_table(const Counters& counters);
/// Both, for /metrics.
observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::files
