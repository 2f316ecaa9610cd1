#include "actors/raft/sim.hpp"

#include <algorithm>

#include "actors/raft/sim_workload.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::raft {
namespace {

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  // A minority may lose acknowledged data: enough members for that, if there are enough nodes.
  const std::int64_t least = 2 * shape.lost_data_max + 1;
  const std::int64_t members = std::clamp<std::int64_t>(least + 2 * draw.below(2), 1, std::min<int>(shape.nodes, 7));
  std::vector<sim::Operation> out;
  out.push_back({std::chrono::seconds(3), 0, "raft.init", {{"members", members}}});
  const std::size_t count = draw.count(20, 600);
  const std::int64_t keys = 1 + draw.below(8);
  for (const base::Duration at : draw.moments(count)) {
    const std::uint16_t node = draw.node();
    const std::int64_t key = draw.below(keys), dice = draw.below(100);
    if (dice < 40) out.push_back({at, node, "raft.put", {{"key", key}}});
    else if (dice < 80) out.push_back({at, node, "raft.get", {{"key", key}}});
    else if (dice < 90) out.push_back({at, node, "raft.cas", {{"key", key}}});
    else if (dice < 94) out.push_back({at, node, "raft.del", {{"key", key}}});
    else if (dice < 96) out.push_back({at, node, "raft.retry", {{"key", key}}});
    else if (dice < 98) out.push_back({at, node, "raft.transfer", {{"to", draw.node()}}});
    else out.push_back({at, node, "raft.snapshot", {}});
  }
  // Half of the runs change members. The other runs draw as without such changes.
  if (draw.below(2) != 0) {
    for (const base::Duration at : draw.moments(1 + draw.count(2, 16))) {
      const std::uint16_t node = draw.node(), who = draw.node();
      const std::int64_t dice = draw.below(100);
      if (dice < 35) out.push_back({at, node, "raft.add", {{"who", who}}});
      else if (dice < 50) out.push_back({at, node, "raft.learn", {{"who", who}}});
      else if (dice < 80) out.push_back({at, node, "raft.remove", {{"who", who}, {"least", std::min(least, members)}}});
      else out.push_back({at, node, "raft.mend", {{"who", who}}});
    }
  }
  // Leases in a quarter of the runs, drawn last: a new operation leaves all earlier draws unchanged.
  if (draw.below(4) != 0) return out;
  for (const base::Duration at : draw.moments(1 + draw.count(2, 8)))
    out.push_back({at, draw.node(), "raft.lease", {{"seconds", 5 + draw.below(56)}}});
  return out;
}

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec key{"key", 0, 7}, who{"who", 0, sim::kNodesMax - 1, true};
  static const sim::WorkloadSpec spec{
      .name = "raft",
      .operations =
          {
              {"init", "an operator creates a group of the first nodes", {{"members", 1, 7}}},
              {"put", "a client writes a key", {key}},
              {"get", "a client reads a key, linearizable", {key}},
              {"cas", "a client writes a key if it still has the value that the client read last", {key}},
              {"del", "a client removes a key", {key}},
              {"retry", "a client writes a key twice with one request id, at two nodes", {key}},
              {"transfer", "an operator hands leadership to a node", {{"to", 0, sim::kNodesMax - 1, true}}},
              {"snapshot", "an operator asks a member for a snapshot", {}},
              {"add", "an operator makes a node a voter", {who}},
              {"learn", "an operator makes a node a learner", {who}},
              {"remove", "an operator removes a member, if there are more voters than `least`", {who, {"least", 1, 7}}},
              {"lease", "a client requests a lease and does not keep it", {{"seconds", 1, 600}}},
              {"mend", "an operator removes a member whose disk is gone, and adds its node's new identity", {who}},
          },
      .knobs =
          {
              {"raft.snapshot_after", {"16", "100"}},
              {"raft.lease_reads", {"true"}},
              {"raft.election", {"2s", "4s"}, true},
              {"raft.heartbeat", {"300ms", "600ms"}, true},
              {"raft.stall_max", {"200ms"}},
              {"raft.sleep_after", {"500ms", "2s"}},
          },
      .invariants =
          {
              {"one-leader", "a term has at most one leader"},
              {"committed", "no two members commit different entries at an index"},
              {"alike", "members that have applied the same index have the same state"},
              {"linearizable", "one order of all operations explains all responses to clients"},
              {"once", "a command with a request id is applied once, and repeated requests get the same response"},
              {"durable", "what a leader commits is on the disks of a majority"},
              {"held", "a member never continues without committed entries that its disk had"},
              {"leases", "a lease ends in time, neither early nor much late, whatever leaders do"},
              {"named", "beyond the promises: no two members serve different states for over a minute"},
          },
      .sometimes =
          {
              {"raft: a snapshot was installed", "a member needed entries that the log no longer had"},
              {"raft: a snapshot that rotted was written anew",
               "a byte of a leader's file changed, and the file was fetched"},
              {"raft: a member found that it has lost something", "its log was damaged or missing"},
              {"raft: a member was replaced by its next incarnation", "a node came back without its log"},
              {"raft: a node without its disk was taken in anew",
               "an operator removed its old identity and added its new one"},
              {"raft: a learner that had caught up was promoted", "a voter was added"},
              {"raft: a leader removed itself", "an operator removed the leader"},
              {"raft: the lead was handed over", "an operator requested it, or the leader's disk stalled"},
              {"raft: the leader changed during a snapshot", "a new leader, or a fetch from another leader"},
              {"raft: a majority had an entry of an older term, which was not committed by that", "figure 8"},
              {"raft: a command was refused, because devices are nearly full",
               "a leader's disk, or half of the voters'"},
              {"raft: a request for votes was ignored, because a leader is heard",
               "a member that disturbs its group was refused"},
              {"raft: pre-votes were refused", "a member that lacks entries asked"},
              {"raft: a group that was not used fell asleep", "no client sent requests for a while"},
              {"raft: lease reads were turned off, because a clock drifts", "more than raft.clock_drift_max"},
          },
      .mutants =
          {
              {"raft.reads_without_asking", "a leader answers reads without asking a quorum"},
              {"raft.acknowledged_unsynced", "a save is reported before it is durable"},
              {"raft.acknowledges_before_sync", "a follower acknowledges entries that are not on its disk yet"},
              {"raft.counts_itself_at_once", "a leader counts itself before its own disk has the entry"},
              {"raft.votes_for_shorter_log", "a vote is given to a candidate that lacks entries"},
              {"raft.reads_before_its_term", "a leader answers reads before it knows what is committed"},
              {"raft.snapshot_without_sessions", "a snapshot lacks the answers to commands with a request id"},
              {"raft.leases_begin_anew", "a new leader gives each lease its whole time again"},
              {"raft.cuts_acknowledged", "acknowledged data that cannot be read counts as a torn tail"},
              {"raft.votes_without_its_log", "a member whose log is gone continues under its old incarnation"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<RaftWorkload>,
      .rots = "raft/",
  };
  return spec;
}

}  // namespace troupe::raft
