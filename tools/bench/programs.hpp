#pragma once
// The reference programs: what CAF alone does where troupe has something of its own.
#include <chrono>
#include <vector>

#include "apps/bench/figure.hpp"

namespace troupe::bench {

/// Figures of actors in one process: `actor.oneway.caf`, `actor.ask.caf`. Each takes `span`.
Figures bench_actors(std::chrono::milliseconds span);

/// Figures of CAF's own plaintext link to a second process: `link.oneway256.basp`, `link.ask.basp`,
/// `link.oneway64k.basp`. Starts that process, on a loopback port that the system picks, and ends it.
Figures bench_basp(std::chrono::milliseconds span);

/// That second process: prints its port, and serves until its standard input ends.
int serve_basp();

}  // namespace troupe::bench
