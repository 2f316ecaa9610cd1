#pragma once
// What `--hold` keeps after the figures: a node that `troupe inspect --data DIR` reaches, until Ctrl-C or `:drain`.
#include <atomic>
#include <memory>

#include "apps/bench/runner.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/log.hpp"

namespace troupe::bench {

class HeldNode {
 public:
  /// Serves the local socket in the runner's `folder`: a root without domains, and an inspector. It outlives the
  /// runner's actors: they use it until they end. Fails if its log cannot be written there.
  Measurement<void> begin(Runner& runner, const ScratchFolder& folder);
  /// An operator has drained it.
  bool ended() const { return ended_; }

  /// Two actors for each core that tell and answer each other numbers until the end: no core rests.
  static void keep_busy(Runner& runner);
  /// Eight workers that get a question each 20 ms; the fifth takes `each` for every one.
  static void keep_slow(Runner& runner, base::Duration each);

 private:
  observe::Health health_;
  std::unique_ptr<observe::Log> log_;
  std::shared_ptr<net::Pool> pool_;
  std::atomic<bool> ended_{false};
};

}  // namespace troupe::bench
