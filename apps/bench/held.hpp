#pragma once
// What `--hold` keeps after the figures: a node that `troupe inspect --once --data DIR` reaches, until Ctrl-C.
#include <future>
#include <memory>

#include "apps/bench/runner.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::bench {

class Held {
 public:
  /// Serves the local socket in the runner's folder, with an inspector behind it. The runner outlives it.
  explicit Held(Runner& runner);
  ~Held();
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  /// Two actors for each core that tell and answer each other numbers until the end: no core rests.
  void keep_busy();
  void wait() { runner_.hold(); }

 private:
  Runner& runner_;
  observe::Health health_;
  std::shared_ptr<net::Pool> pool_;
};

}  // namespace troupe::bench
