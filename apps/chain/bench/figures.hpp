#pragma once
// What `troupe bench chain` measures. Each function returns its figures in the order of measurement.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"
#include "apps/chain/bench/money.hpp"

namespace troupe::bench {

struct ChainPlan {
  std::size_t validators = 4;
  std::size_t nodes = 4;  ///< validators and nodes that only follow
  base::Duration span{0};
  std::string only{};  ///< figures separated by commas; empty: all figures of the plan

  static constexpr std::size_t kProcessesMax = 4;
  static constexpr std::size_t kNodesMax = 51;  ///< each has as many neighbours as a node accepts
  bool in_one_process() const { return nodes > kProcessesMax; }
  bool wants(std::string_view what) const;
  /// Returns a name in `only` that is not a figure of this plan, or an empty text.
  std::string unknown() const;
};
/// The nodes of a chain that was created for this run, each a process. Other nodes have no link to them.
struct ChainNodes {
  std::shared_ptr<ChainMoney> load, client;
  std::unique_ptr<NodeProcesses> processes;
  static Measurement<ChainNodes> start(const apps::Commands& table, const ScratchFolder& folder, const ChainPlan& plan);
};
/// `chain.verify`: signatures that one processor verifies per second. `chain.transfer`: payments that become final; the
/// ratio compares them with the payments that all processors could verify if each validator verified each payment once.
/// `chain.sync`: payments in the blocks with which a node catches up; the ratio compares them with the payments that
/// the node's processors could verify. `chain.final`: from the send to the final block, one payment at a time.
/// `chain.pause`: the longest time without a block after SIGKILL of the next proposer, the median and the maximum of
/// three. `chain.execute`: only the ledger, with a million accounts.
Measurement<Figures> measure_chain(os::Waker& waker, Runner& runner, ChainNodes& nodes, const ChainPlan& plan);
/// Measures nodes in this process: `chain.verify`, `chain.transfer`, `chain.final`, and `chain.gossip`, whose ratio is
/// how often a transaction arrives at a node.
Measurement<Figures> measure_chain_inside(Runner& runner, const ChainPlan& plan);
/// Measures transfers per second in blocks that are executed and stored on a ledger of a million accounts, with the
/// state root and the sync of the store. The delays are the times of blocks.
Measurement<Figure> measure_execution(Runner& runner, base::Duration span);

}  // namespace troupe::bench
