#pragma once
// One simulated machine: a permanent address and disk, and a node that starts, dies and returns on them.
//
// States  off, up, paused. boot() begins a life with new ports; kill() and lose_power() end it at once.
// Kill    ends only the process: its written data stays, in the system's cache; its streams close normally.
// Power   ends the machine: unsynced data may be lost, and its streams get no event until it is back.
// Both    kill and power failure end the programs that the node has started, without an event.
// End     an actor may still handle its current message before it ends, but its view of the disk is dead, and its
//         messages are dropped.
// Lives   each life keeps its Node and ports until the machine is destroyed, because actors of an old life may still be
//         ending.
// Faults  life.hpp describes their effects on the actors.
// Owner   one run. Destroy it before the stage, then let the stage run for a moment.
#include <functional>
#include <memory>
#include <vector>

#include "runtime/sim/life.hpp"

namespace troupe::sim {

struct MachineOptions {
  std::int32_t drift_ppm = 0;  ///< of its clock
  std::uint64_t disk_bytes = kDiskBytes;
  runtime::NodeLimits limits = {};
  const base::Mutations* mutations = &base::kNoMutations;  ///< outlives it
  const Programs* programs = &kNoPrograms;                 ///< the programs that its node can start; outlives it
};

class Machine {
 public:
  /// Makes the `number`-th machine of its run, from 1.
  Machine(Stage& stage, std::shared_ptr<Fabric> fabric, std::uint16_t number, MachineOptions options = {});
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  std::uint16_t number() const { return number_; }
  Address address() const { return address_of(number_); }
  /// Returns the disk, for access from outside; a life has its own view of the disk, in its ports.
  Disk& disk() { return disk_; }
  bool up() const { return up_; }
  std::size_t lives() const { return lives_.size(); }

  /// Begins a life on the contents of the disk; the machine must not be up. The caller starts the actors.
  runtime::Node& boot();
  /// Returns the node of this life, or of the last life.
  runtime::Node& node() { return lives_.back()->node; }
  NodePorts& ports() { return lives_.back()->ports; }

  // These do nothing to a machine that is not up, except slow().

  /// Loses power instead, if the power has already failed outside of any handler.
  void kill();
  void lose_power();
  /// Loses power after `operations` more changes of the disk, at the next change and inside the handler that makes it.
  /// Then calls `then` once, within the current event: it must not boot. An earlier crash, or another such plan,
  /// cancels the plan; a kill does not.
  void lose_power_at(std::uint64_t operations, std::function<void()> then);

  /// Stops all actors until resume() was called as often as pause() in this life; messages to them wait.
  void pause();
  void resume();

  /// Breaks the actor that takes the `nth` message from now on (from 1) with the error kBrokenByFault, and its
  /// supervisor decides; `hit` is called just before. Only messages to actors that `may` break are counted. The plan
  /// ends with the life, or when another plan replaces it.
  void break_next(std::uint64_t nth, Life::MayBreak may = {}, std::function<void()> hit = {});

  /// Makes the actors rest `longer` after each kWorkSpan of work, in this life and later lives, up or not; the negative
  /// value reverts that.
  void slow(base::Duration longer);

 private:
  void power_failed();
  void end_life();

  Stage& stage_;
  std::shared_ptr<Fabric> fabric_;
  std::uint16_t number_;
  MachineOptions options_;
  Disk disk_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::function<void()> then_;  // called after the planned power failure
  base::Duration rest_{0};
  bool up_ = false;
};

}  // namespace troupe::sim
