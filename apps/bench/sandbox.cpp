// The figure of `troupe bench task` that measures only the sandbox.
#include <fcntl.h>

#include "apps/bench/figures.hpp"
#include "apps/bench/load.hpp"
#include "runtime/base/descriptor.hpp"

namespace troupe::bench {
namespace {

constexpr std::chrono::seconds kOneDue{10};
constexpr std::chrono::minutes kTime{1};
constexpr std::chrono::milliseconds kBetween{100};

}  // namespace

Measurement<Figure> measure_sandboxes(Runner& runner, sandbox::Launcher& launcher, base::Duration span, Ready ready) {
  Figure out{.what = ready == Ready::yes ? "sandbox.pool" : "sandbox.start", .clients = 1};
  sandbox::Spec spec;
  spec.command = {"/bin/true"};
  spec.environment = sandbox::default_environment();
  spec.root = "/";
  const base::Descriptor nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const base::Instant begin = runner.now();
  Progress progress(begin, span);
  for (std::uint64_t number = 1;; ++number) {
    // Each has a unique shape, so nothing was made in advance. Otherwise there is time to make the next sandbox.
    if (ready == Ready::no) spec.limits.time = kTime + std::chrono::nanoseconds(number);
    else if (auto paused = runner.pause(kBetween); !paused.ok()) return paused.error();
    const base::Instant from = runner.now();
    if (!launcher.make({number}, spec, sandbox::copies_of({nowhere.get(), nowhere.get(), nowhere.get()}))) {
      out.errors = 1;
      out.error = "the launcher refuses the sandbox";
      return out;
    }
    for (bool ended = false; !ended;) {
      if (!launcher.wait(kOneDue) || launcher.gone()) {
        out.errors = 1;
        out.error = "a sandbox did not end";
        return out;
      }
      while (const auto next = launcher.next()) {
        const auto* const outcome = std::get_if<sandbox::Outcome>(&next->what);
        if (outcome == nullptr) continue;
        ended = true;
        if (outcome->how == sandbox::Ended::exited && outcome->status == 0) continue;
        out.errors = 1;
        out.error = outcome->why.empty() ? "`true` did not end with 0" : outcome->why;
        return out;
      }
    }
    const base::Instant at = runner.now();
    if (progress.counts(from)) out.delays.push_back(at - from);
    if (!progress.done(1, at)) break;
  }
  out.per_second = progress.per_second();
  return out;
}

}  // namespace troupe::bench
