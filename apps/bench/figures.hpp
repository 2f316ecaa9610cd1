#pragma once
// What `troupe bench` can measure. Each returns its figures in the order in which they were taken.
#include "apps/bench/chain_money.hpp"
#include "apps/bench/file_processes.hpp"
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"
#include "apps/bench/second_process.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::bench {

/// Numbers told and asked between two actors: `actor.oneway`, `actor.ask`. Each takes `span`.
Measurement<Figures> measure_actors(Runner& runner, base::Duration span);

/// Memory of `count` actors that do nothing, each: `actor.idle`. They live until the runner ends.
Measurement<Figure> measure_idle_actors(Runner& runner, std::size_t count);

/// `count` tells at an actor that never looks up: `actor.stopped`. Its delays are those of another actor's answers.
/// With `kept` its mailbox takes kHeldMailboxMax of them, and it stays as it is until that is dropped.
inline constexpr std::size_t kHeldMailboxMax = 1'000'000;
Measurement<Figure> measure_stopped_actor(Runner& runner, std::uint64_t count, std::shared_ptr<void>* kept = nullptr);

/// Memory that `count` answered questions with a deadline leave behind: `actor.answered`.
Measurement<Figure> measure_answered(Runner& runner, std::uint64_t count);

/// The second process of `bench link`: serves one link until its input ends.
void serve_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder);
/// Messages over an encrypted link to that process: `link.oneway256`, `link.ask`, `link.oneway64k`. Each takes `span`.
Measurement<Figures> measure_links(os::Waker& waker, Runner& runner, SecondProcess& second, base::Duration span);

/// The second process of `bench link --idle`: dials `links` links, each with a key of its own.
void dial_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder, std::size_t links);
/// Memory of one idle link, and how soon each link answers: `link.idle`.
Measurement<Figure> measure_idle_links(os::Waker& waker, Runner& runner, SecondProcess& second, std::size_t links);

struct DhtPlan {
  std::size_t nodes, copies;
  std::size_t in_flight;  ///< of the first figures; the others have one at a time
  base::Duration span;
};
/// A cluster of DHT nodes in this process: the memory of one (`dht.node`), then `dht.put`, `dht.put.signed`, `dht.get`,
/// and `dht.put` and `dht.get` one at a time. Each takes the plan's span.
Measurement<Figures> measure_dht(Runner& runner, const DhtPlan& plan);

/// What `bench file` measures with: `given`, or a file below `folder` that measure_files() makes.
std::string measured_file(const ScratchFolder& folder, const std::string& given);

/// That file at a node that is another process: `file.put`; then at one in this process, which keeps it below `folder`:
/// `file.put.inproc`, `file.get`, `file.again` (the same put once more), `file.verify`. The file is made with `bytes`
/// if none is given.
Measurement<Figures> measure_files(os::Waker& waker, Runner& runner, FileProcesses& processes,
                                   const ScratchFolder& folder, const std::string& given, std::uint64_t bytes);

/// Puts, linearizable and stale gets at the leader of a group of three processes, by 1, 16 and 128 clients of one link:
/// `kv.put`, `kv.get`, `kv.stale`. Each takes `span`. An error unless one order explains what clients saw of the keys
/// that are watched, and unless the members synced their logs as often as a majority for each put needs.
Measurement<Figures> measure_kv(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// The longest time without a successful put after SIGKILL of the leader, at a client of another member:
/// `kv.failover`, the median and the longest of ten.
Measurement<Figures> measure_kv_failover(os::Waker& waker, Runner& runner, NodeProcesses& processes);
/// The memory of the largest member after `puts` puts on 100,000 keys: `kv.memory`.
Measurement<Figures> measure_kv_memory(os::Waker& waker, Runner& runner, NodeProcesses& processes, std::uint64_t puts);

/// Transfers at a node that keeps the book itself, by 64 clients of one link, to 10,000 accounts: `escrow.transfer`.
Measurement<Figures> measure_transfers(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Escrows from the proposal to the last payment at a book of a group of three, by 1 and by 64 clients: `escrow.whole`.
Measurement<Figures> measure_escrows(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// A million escrows that sleep, each with a timer, at a node that keeps the book itself: the memory of its process
/// beyond that of one without any (`escrow.asleep`), the time to wake one (`escrow.wake`), and from the start of the
/// process to its service (`escrow.start`).
Measurement<Figures> measure_asleep(os::Waker& waker, Runner& runner, NodeProcesses& processes);
/// An airdrop to 100,000 accounts at a node that keeps the book itself, from its first question to its last payment:
/// `airdrop.pay`; then `troupe airdrop verify` of it: `airdrop.verify`. The node hears objections for 1 s.
Measurement<Figures> measure_airdrop(os::Waker& waker, Runner& runner, NodeProcesses& processes);

/// A node that watches 10,000 others: what part of a processor their heartbeats take, one of each a minute
/// (`registry.fed`: ratio), and `troupe registry ls` there (`registry.ls`).
Measurement<Figures> measure_registry(os::Waker& waker, Runner& runner, NodeProcesses& processes);

enum class Ready : std::uint8_t { no, yes };
/// Start and end of `true` in a sandbox, one after another: `sandbox.start`; with Ready::yes in one that was made
/// ahead, and with pauses in which the next ones are made: `sandbox.pool`. The launcher was started before any thread.
Measurement<Figure> measure_sandboxes(Runner& runner, sandbox::Launcher& launcher, base::Duration span, Ready ready);

/// Choices among a thousand nodes: `task.place`. Then empty tasks at a node that runs them itself, from the submission
/// to the result that was read: one after the other (`task.run`), and some at once (`task.empty`). Both take `span`.
Measurement<Figures> measure_tasks(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Empty tasks, one after the other, of the first of five nodes, that the others run: `task.apart`. Takes `span`.
Measurement<Figures> measure_tasks_apart(os::Waker& waker, Runner& runner, NodeProcesses& processes,
                                         base::Duration span);

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
/// The nodes of a chain that was founded for this, each a process, and one beside them that is linked to none.
struct ChainNodes {
  std::shared_ptr<ChainMoney> load, client;
  std::unique_ptr<NodeProcesses> processes;
  static Measurement<ChainNodes> start(const apps::Commands& table, const ScratchFolder& folder, const ChainPlan& plan);
};
/// `chain.verify`: signatures that one processor verifies in a second. `chain.transfer`: payments that become final;
/// its ratio is that to what all processors could verify, if each validator verified each once. `chain.sync`: payments
/// in blocks that a node catches up with; its ratio is that to what its processors could verify. `chain.final`: from
/// the send to the final block, one at a time. `chain.pause`: the longest time without a block after SIGKILL of the
/// node that proposes next, the median and the longest of three. `chain.execute`: a ledger of a million accounts alone.
Measurement<Figures> measure_chain(os::Waker& waker, Runner& runner, ChainNodes& nodes, const ChainPlan& plan);
/// The same of nodes in this process: `chain.verify`, `chain.transfer`, `chain.final`, and `chain.gossip`, whose ratio
/// is how often a transaction comes to a node.
Measurement<Figures> measure_chain_inside(Runner& runner, const ChainPlan& plan);
/// Blocks run and kept on a ledger of a million accounts, with the root of the state and the sync of the store:
/// transfers a second. Its delays are those of blocks.
Measurement<Figure> measure_execution(Runner& runner, base::Duration span);

}  // namespace troupe::bench
