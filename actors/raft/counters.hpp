#pragma once
// Counters of a node's groups since it started.
//
// Owner   the node's actors write; any thread may read.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "runtime/observe/counter_table.hpp"

namespace troupe::raft {

/// The state of each group, as far as the local member knows it.
class GroupGauges {
 public:
  struct Gauge {
    bool has_leader = false;
    std::uint64_t silent = 0;  ///< members that do not respond
    friend bool operator==(const Gauge&, const Gauge&) = default;
  };
  void set(const std::string& group, Gauge gauge);
  void forget(const std::string& group);
  std::map<std::string, Gauge> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Gauge> gauges_;  // at most raft.groups_max
};

struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count proposed{0}, applied{0}, reads{0}, messages_sent{0}, messages_taken{0}, messages_rejected{0};
  Count elections{0}, leads_won{0}, snapshots{0}, snapshots_installed{0}, drifts{0}, stalls{0}, differed{0};
  Count history_loads{0}, history_lost{0};
  Count groups{0}, leading{0};  // current values
  GroupGauges each;
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::raft
