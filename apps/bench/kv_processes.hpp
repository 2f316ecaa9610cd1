#pragma once
// The processes of `troupe bench kv`: three nodes that are one group, as a user has them.
//
// Order   made before any thread of this process, as SecondProcess says.
// Way     this process asks each node at its local socket, as commands do.
// Again   a node is the child of a process that does nothing else: that one can fork again at any time, for it has no
//         threads.
// End     all end with this object, or with this process; their data goes with the folder.
#include <array>

#include "actors/raft/api.hpp"
#include "apps/bench/second_process.hpp"
#include "apps/cli/command.hpp"

namespace troupe::bench {

inline constexpr std::size_t kKvNodes = 3;

class KvProcesses {
 public:
  static Measurement<std::unique_ptr<KvProcesses>> start(const apps::Commands& table, const ScratchFolder& folder);
  KvProcesses(const KvProcesses&) = delete;
  KvProcesses& operator=(const KvProcesses&) = delete;

  /// Makes the group, and waits until it has a leader.
  Measurement<void> make_group(os::Waker& waker, Runner& runner);
  /// Which node leads.
  Measurement<std::size_t> leader(Runner& runner);
  /// Its member of the group; dialled anew after a restart.
  runtime::Handle member(std::size_t node);
  /// Ends it with SIGKILL. Safe from any thread.
  void kill(std::size_t node);
  /// After kill(): with the same data, at the same address.
  Measurement<void> restart(os::Waker& waker, std::size_t node);
  /// Of the member with the most.
  std::uint64_t resident_bytes_max() const;

 private:
  struct Member {
    std::unique_ptr<SecondProcess> process;
    std::shared_ptr<net::Link> link;
    std::string id, at;
    std::string process_id;
  };
  KvProcesses(const apps::Commands& table, std::string folder) : table_(table), folder_(std::move(folder)) {}
  std::string data(std::size_t node) const { return folder_ + "/k" + std::to_string(node); }
  Measurement<std::unique_ptr<SecondProcess>> keep(std::size_t node);
  void run(std::size_t node, const std::string& listen, SecondProcess::Pipes& pipes);
  Measurement<void> await_ready(os::Waker& waker, std::size_t node);
  std::shared_ptr<net::Link> link(std::size_t node);

  const apps::Commands& table_;
  const std::string folder_;
  std::array<Member, kKvNodes> members_;
  std::shared_ptr<net::Pool> pool_;
};

}  // namespace troupe::bench
