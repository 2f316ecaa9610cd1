#pragma once
// The processes of `troupe bench kv`, `escrow` and `chain`: nodes as a user runs them, three of which may be one group.
//
// Order   created before any thread of this process, as SecondProcess requires.
// Way     this process reaches each node through its local socket, as commands do.
// Again   each node is the child of a process that does nothing else, and so has no threads and can fork the node
//         again.
// End     all end with this object, or with this process; their data is removed with the folder.
#include <vector>

#include "actors/raft/api.hpp"
#include "apps/bench/second_process.hpp"
#include "apps/cli/command.hpp"

namespace troupe::bench {

inline constexpr std::size_t kKvNodes = 3;

class NodeProcesses {
 public:
  /// `settings`: key=value, for each node.
  static Measurement<std::unique_ptr<NodeProcesses>> start(const apps::Commands& table, const ScratchFolder& folder,
                                                           std::size_t nodes = kKvNodes,
                                                           std::vector<std::string> settings = {});
  NodeProcesses(const NodeProcesses&) = delete;
  NodeProcesses& operator=(const NodeProcesses&) = delete;

  /// Waits until all nodes serve.
  Measurement<void> begin(os::Waker& waker, Runner& runner);
  /// Does the same, then creates a group of all nodes, and waits until it has a leader.
  Measurement<void> make_group(os::Waker& waker, Runner& runner);
  /// Returns the number of the leader.
  Measurement<std::size_t> leader(Runner& runner);
  /// Returns how often a node has synced its logs since it started.
  Measurement<std::uint64_t> log_syncs(Runner& runner, std::size_t node);
  /// Returns a node's member of the group; dials again after a restart.
  runtime::Handle member(std::size_t node);
  /// Returns the service at that path.
  runtime::Handle service(std::size_t node, const std::string& path) { return link(node)->proxy(path); }
  /// Links the node `from` to `to`. Does nothing if they are linked already.
  Measurement<void> connect(Runner& runner, std::size_t from, std::size_t to);
  std::size_t size() const { return members_.size(); }
  const std::string& id(std::size_t node) const { return members_[node].id; }
  /// Returns ID@HOST:PORT, as `--join` takes it.
  std::string address(std::size_t node) const { return members_[node].id + '@' + members_[node].at; }
  /// Ends a node with SIGKILL. Safe from any thread.
  void kill(std::size_t node);
  /// Restarts a killed node with the same data, at the same address.
  Measurement<void> restart(os::Waker& waker, std::size_t node);
  /// Returns the data directory of a node.
  std::string data(std::size_t node) const { return folder_ + "/k" + std::to_string(node); }
  /// Returns the data directory of a node before the nodes start, so that data can be put there.
  static std::string data_below(const ScratchFolder& folder, std::size_t node) {
    return folder.path() + "/k" + std::to_string(node);
  }
  /// Returns the largest resident memory of a member.
  std::uint64_t resident_bytes_max() const;
  /// Returns the processor time that a node has used since it started.
  double cpu_seconds(std::size_t node) const;

 private:
  struct Member {
    std::unique_ptr<SecondProcess> process;
    std::shared_ptr<net::Link> link;
    std::string id, at;
    std::string process_id;
  };
  NodeProcesses(const apps::Commands& table, std::string folder, std::size_t nodes, std::vector<std::string> settings)
      : table_(table), folder_(std::move(folder)), settings_(std::move(settings)), members_(nodes) {}
  Measurement<std::unique_ptr<SecondProcess>> keep(std::size_t node);
  void run(std::size_t node, const std::string& listen, SecondProcess::Pipes& pipes);
  Measurement<void> await_ready(os::Waker& waker, std::size_t node);
  std::shared_ptr<net::Link> link(std::size_t node);

  const apps::Commands& table_;
  const std::string folder_;
  const std::vector<std::string> settings_;
  std::vector<Member> members_;
  std::shared_ptr<net::Pool> pool_;
};

}  // namespace troupe::bench
