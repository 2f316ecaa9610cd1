#include "actors/raft/counters.hpp"

namespace troupe::raft {

using enum observe::MetricType;

void GroupGauges::set(const std::string& group, Gauge gauge) {
  const std::scoped_lock lock(mutex_);
  gauges_[group] = gauge;
}

void GroupGauges::forget(const std::string& group) {
  const std::scoped_lock lock(mutex_);
  gauges_.erase(group);
}

std::map<std::string, GroupGauges::Gauge> GroupGauges::all() const {
  const std::scoped_lock lock(mutex_);
  return gauges_;
}

observe::CounterTable table_of(const Counters& from) {
  observe::CounterTable out{
      {"troupe_raft_groups", "Groups that this node is a member of.", gauge, from.groups},
      {"troupe_raft_leading", "Groups that this node leads.", gauge, from.leading},
      {"troupe_raft_proposed_total", "Commands that this node proposed as a leader.", counter, from.proposed},
      {"troupe_raft_applied_total", "Entries that were applied here.", counter, from.applied},
      {"troupe_raft_reads_total", "Linearizable reads that clients requested here.", counter, from.reads},
      {"troupe_raft_messages_sent_total", "Messages to other members.", counter, from.messages_sent},
      {"troupe_raft_messages_taken_total", "Messages from other members.", counter, from.messages_taken},
      {"troupe_raft_messages_rejected_total", "Messages from other members that were refused.", counter,
       from.messages_rejected},
      {"troupe_raft_elections_total", "Elections that this node started.", counter, from.elections},
      {"troupe_raft_leads_won_total", "Elections that this node won.", counter, from.leads_won},
      {"troupe_raft_snapshots_total", "Snapshots that were written.", counter, from.snapshots},
      {"troupe_raft_snapshots_installed_total", "Snapshots that were fetched and installed.", counter,
       from.snapshots_installed},
      {"troupe_raft_clock_drifts_total", "Members whose clocks were found to drift.", counter, from.drifts},
      {"troupe_raft_disk_stalls_total", "Times that this node gave up leadership because its disk stalled.", counter,
       from.stalls},
      {"troupe_raft_differed_total", "Times that this node's state of a group differed from the majority's.", counter,
       from.differed},
      {"troupe_raft_history_loads_total", "Blocks of past revisions that were read from disk.", counter,
       from.history_loads},
      {"troupe_raft_history_lost_total", "Commits of past revisions that could not be written to disk.", counter,
       from.history_lost},
  };
  const auto groups = from.each.all();
  for (const auto& [group, is] : groups)
    out.push_back({"troupe_raft_group_has_leader",
                   "1 while this node's member of the group knows its leader.",
                   gauge,
                   is.has_leader ? 1u : 0u,
                   {},
                   {{"group", group}}});
  for (const auto& [group, is] : groups)
    out.push_back({"troupe_raft_group_members_silent",
                   "Members of the group that do not respond.",
                   gauge,
                   is.silent,
                   {},
                   {{"group", group}}});
  return out;
}

}  // namespace troupe::raft
