#pragma once
// The node that `--hold` keeps after the figures, for `troupe inspect --data DIR`, until Ctrl-C or `:drain`.
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
  /// runner's actors, which use it until they end. Fails if its log cannot be written there.
  Measurement<void> begin(Runner& runner, const ScratchFolder& folder);
  /// Whether an operator has drained the node.
  bool ended() const { return ended_; }

  /// Starts two actors per core that exchange numbers until the end, so that every core is busy.
  static void keep_busy(Runner& runner);
  /// Starts eight workers that get a request every 20 ms; the fifth takes `each` per request.
  static void keep_slow(Runner& runner, base::Duration each);

 private:
  observe::Health health_;
  std::unique_ptr<observe::Log> log_;
  std::shared_ptr<net::Pool> pool_;
  std::atomic<bool> ended_{false};
};

}  // namespace troupe::bench
