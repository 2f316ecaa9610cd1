#pragma once
// The Processes port of one simulated node: programs are scripts (programs.hpp), and take only virtual time.
//
// Limits   of time, memory, disk, pids and output are enforced. Too few cores make a script slower; files are not
//          counted.
// Chance   the time to make a sandbox, and the pieces of output, are drawn from the node's own stream.
// Crash    a crash of the node ends all its processes, without an event.
// Owner    one run; one thread.
#include <memory>

#include "runtime/ports/processes.hpp"
#include "runtime/sim/programs.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::sim {

inline constexpr std::chrono::milliseconds kMakingTimeMin{1}, kMakingTimeMax{5};  // our choice: as on a small machine

class Processes final : public ports::Processes {
 public:
  Processes(Stage& stage, std::uint16_t node);
  ~Processes() override;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  std::unique_ptr<ports::Process> start(ports::ProcessStart what, const runtime::Handle& owner) override;

  /// Sets the programs that can be started from now on; they outlive the node.
  void use(const Programs& programs);
  /// Ends all processes silently. Later starts have no effect.
  void crash();
  /// Returns the number of processes that are not over, with or without an owner.
  std::size_t running() const;

 private:
  class Table;
  class Owned;
  std::shared_ptr<Table> table_;
};

}  // namespace troupe::sim
