#pragma once
// What `--hold` keeps after the figures: a node that `troupe inspect --once --data DIR` reaches, until Ctrl-C.
#include <memory>

#include "apps/bench/runner.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::bench {

class Held {
 public:
  /// Serves the local socket in the runner's folder, with an inspector behind it. It outlives the runner's actors: they
  /// use it until they end.
  void begin(Runner& runner);

  /// Two actors for each core that tell and answer each other numbers until the end: no core rests.
  static void keep_busy(Runner& runner);

 private:
  observe::Health health_;
  std::shared_ptr<net::Pool> pool_;
};

}  // namespace troupe::bench
