#pragma once
// Many DHT nodes in one process, each with its own id, links, datagrams and table, over loopback sockets. They share
// the threads of one actor system and one thread that reads datagrams, as containers share a machine.
//
// Storage  values are kept in memory, as in the reference program: the disk is not measured.
// Limits   a node's usual limits, but not the limits on untrusted nodes, because all nodes share one address.
// Order    ends before its runner.
#include <map>
#include <memory>
#include <vector>

#include "apps/bench/runner.hpp"
#include "runtime/net/datagrams.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::bench {

struct DhtMember {
  base::Contact contact;
  runtime::Handle dht, datagrams;
};

class DhtCluster {
 public:
  /// Starts nodes, which at first know only one other node, and store values at `copies` other nodes. Returns once
  /// their tables have stopped growing.
  static Measurement<std::unique_ptr<DhtCluster>> start(Runner& runner, std::size_t nodes, std::size_t copies);

  const std::vector<DhtMember>& members() const { return members_; }

  /// The sums of all nodes since they started.
  struct Counts {
    std::uint64_t requests = 0;  ///< sent to other nodes, by datagram or over a link
    std::uint64_t contacts = 0;  ///< good contacts in their tables
    std::uint64_t refused = 0;   ///< dropped unread because of limits
  };
  Measurement<Counts> count(Runner& runner) const;

 private:
  struct Home;
  Measurement<void> listen(Runner& runner, std::size_t nodes);
  void serve(std::size_t copies);
  Measurement<void> await_tables(Runner& runner) const;

  std::vector<std::shared_ptr<Home>> homes_;
  std::vector<DhtMember> members_;
};

}  // namespace troupe::bench
