#pragma once
// What `troupe bench chain` measures. Each function returns its figures in the order in which they were taken.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"
#include "apps/chain/bench/money.hpp"

namespace troupe::bench {

struct ChainPlan {
  std::size_t validators = 4;
  std::size_t nodes = 4;  ///< validators and those that follow
  base::Duration span{0};
  std::string only{};  ///< figures with commas between; empty: all that the plan has

  static constexpr std::size_t kProcessesMax = 4;
  static constexpr std::size_t kNodesMax = 51;  ///< each has as many neighbours as a node takes
  bool in_one_process() const { return nodes > kProcessesMax; }
  bool wants(std::string_view what) const;
  /// A name in `only` that is no figure of this plan; empty: there is none.
  std::string unknown() const;
};
/// The nodes of a chain that was founded for this run, each a process. Another node has no link to them.
struct ChainNodes {
  std::shared_ptr<ChainMoney> load, client;
  std::unique_ptr<NodeProcesses> processes;
  static Measurement<ChainNodes> start(const apps::Commands& table, const ScratchFolder& folder, const ChainPlan& plan);
};
/// `chain.verify`: signatures that one processor verifies in a second. `chain.transfer`: payments that become final;
/// its ratio is that to what all processors could verify, if each validator verified each once. `chain.sync`: payments
/// in blocks that a node catches up with; its ratio is that to what its processors could verify. `chain.final`: from
/// the send to the final block, one at a time. `chain.pause`: the longest time without a block after SIGKILL of the
/// node that proposes next, the median and the longest of three. `chain.execute`: only a ledger of a million accounts.
Measurement<Figures> measure_chain(os::Waker& waker, Runner& runner, ChainNodes& nodes, const ChainPlan& plan);
/// The same of nodes in this process: `chain.verify`, `chain.transfer`, `chain.final`, and `chain.gossip`, whose ratio
/// is how often a transaction comes to a node.
Measurement<Figures> measure_chain_inside(Runner& runner, const ChainPlan& plan);
/// Blocks run and kept on a ledger of a million accounts, with the root of the state and the sync of the store:
/// transfers a second. Its delays are the times of blocks.
Measurement<Figure> measure_execution(Runner& runner, base::Duration span);

}  // namespace troupe::bench
