#pragma once
// The reference programs: bare CAF where troupe has its own implementation, and OpenDHT.
#include <chrono>
#include <vector>

#include "apps/bench/figure.hpp"

namespace troupe::bench {

/// Figures of actors in one process: `actor.oneway.caf`, `actor.ask.caf`. Each takes `span`.
Figures bench_actors(std::chrono::milliseconds span);

/// Figures of CAF's own plaintext link to a second process: `link.oneway256.basp`, `link.ask.basp`,
/// `link.oneway64k.basp`. Starts that process, on a loopback port that the system picks, and ends it.
Figures bench_basp(std::chrono::milliseconds span);

/// OpenDHT nodes in this process: the memory of one (`dht.node.opendht`), then `dht.put.opendht` and `dht.get.opendht`
/// with `in_flight` at a time, and both one at a time. Each takes `span`. Leaves its threads running.
Figures bench_opendht(std::chrono::milliseconds span, std::size_t nodes, std::size_t in_flight);

/// That second process of links: prints its port, and serves until its standard input ends.
int serve_basp();

}  // namespace troupe::bench
