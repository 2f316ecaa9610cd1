#pragma once
// The Processes port of one simulated node: programs are scripts (programs.hpp), and take virtual time alone.
//
// Limits   of time, memory, disk, pids and output are kept. Too few cores make a script slower; files are not counted.
// Chance   how long a sandbox takes to be made, and in which pieces output arrives, from a stream of the node's own.
// Crash    of the node ends all its processes, and no event says so.
// Owner    one world; one thread.
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

  /// What can be started from now on; it outlives the node.
  void use(const Programs& programs);
  /// Ends all processes without a word. Those that are started later never come to be.
  void crash();
  /// Processes that are not over, whether or not they still have an owner.
  std::size_t running() const;

 private:
  class Table;
  class Owned;
  std::shared_ptr<Table> table_;
};

}  // namespace troupe::sim
