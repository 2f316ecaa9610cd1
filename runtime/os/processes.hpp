#pragma once
// The Processes port on Linux: sandboxes made by a launcher.
#include <memory>
#include <optional>

#include "runtime/ports/clock.hpp"
#include "runtime/ports/processes.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::os {

class ProcessLoop;

class Processes final : public ports::Processes {
 public:
  /// Without a launcher, or once the launcher is gone, each start ends as `not_made`.
  Processes(std::optional<sandbox::Launcher> launcher, const ports::Clock& clock,
            std::size_t running_max = ports::kProcessesMax);
  /// Waits until the launcher has ended all its programs. Processes that actors still have do nothing from then on.
  ~Processes() override;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  std::unique_ptr<ports::Process> start(ports::ProcessStart what, const runtime::Handle& owner) override;

 private:
  std::shared_ptr<ProcessLoop> loop_;
};

}  // namespace troupe::os
