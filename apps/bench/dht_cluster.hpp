#pragma once
// Many DHT nodes in one process: each with its own id, links, datagrams and table, over sockets of loopback. They share
// the threads of one actor system and the one thread that reads datagrams, as many containers share a machine.
//
// Storage  values are kept in memory, as the reference program keeps them: the disk is not what is measured.
// Limits   those of a node, but for what guards it against strangers: here all of them come from one address.
// Order    ends with its runner, which outlives it.
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
  /// Nodes of their own ids that know one of them, each of which stores at `copies` others. They have met when their
  /// tables do not grow any more.
  static Measurement<std::unique_ptr<DhtCluster>> start(Runner& runner, std::size_t nodes, std::size_t copies);

  const std::vector<DhtMember>& members() const { return members_; }

  /// Of all nodes since they started.
  struct Counts {
    std::uint64_t requests = 0;  ///< sent to other nodes, by datagram or over a link
    std::uint64_t contacts = 0;  ///< in their tables, good ones
    std::uint64_t refused = 0;   ///< dropped unread, by limits
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
