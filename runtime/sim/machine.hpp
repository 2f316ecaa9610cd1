#pragma once
// One simulated machine: an address and a disk that stay, and a node on them that lives, dies and comes back.
//
// States  off, up, paused. boot() begins a life with ports of its own; kill() and lose_power() end it at once.
// Kill    ends the process alone: what it wrote is in the system's cache and stays; its streams are closed politely.
// Power   ends the machine: what was not synced may be lost, and its streams hear nothing until it is back.
// Both    end the programs that the node has started; no event says so.
// End     an actor may still handle the message at hand before it ends: its view of the disk is dead by then, and what
//         it sends goes nowhere.
// Lives   keep their Node and ports until the machine is destroyed: actors of an old life may still wind up.
// Faults  life.hpp says what each does to the actors.
// Owner   one world. Destroy it before the stage, then let the stage run for a moment.
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
  const Programs* programs = &kNoPrograms;                 ///< what its node can start; outlives it
};

class Machine {
 public:
  /// The `number`-th of its world, 1 and on.
  Machine(Stage& stage, std::shared_ptr<Fabric> fabric, std::uint16_t number, MachineOptions options = {});
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  std::uint16_t number() const { return number_; }
  Address address() const { return address_of(number_); }
  /// For a look at it from outside; a life has its own view of it, in the ports.
  Disk& disk() { return disk_; }
  bool up() const { return up_; }
  std::size_t lives() const { return lives_.size(); }

  /// Begins a life on what the disk holds; it must not be up. Actors are the caller's to start.
  runtime::Node& boot();
  /// Of this life, or of the last one.
  runtime::Node& node() { return lives_.back()->node; }
  NodePorts& ports() { return lives_.back()->ports; }

  // Nothing happens to a machine that is not up.

  /// If the power has failed already, but outside of any handler, that is what happens.
  void kill();
  void lose_power();
  /// Loses power at the change of the disk that follows `operations` more, in the midst of the handler that makes it.
  /// `then` is called right after, once, from within the event at hand: it must not boot. A crash before that, or
  /// another such plan, takes its place; a kill does not.
  void lose_power_at(std::uint64_t operations, std::function<void()> then);

  /// Lets none of its actors run until resume() was called as often in this life; what they are sent waits.
  void pause();
  void resume();

  /// The actor that takes the `nth` message from now on, 1 and on, breaks with the words kBrokenByFault, and its
  /// supervisor acts; `hit` is called just before. Only messages to actors that `may` break are counted; the plan ends
  /// with the life, or when another one takes its place.
  void break_next(std::uint64_t nth, Life::MayBreak may = {}, std::function<void()> hit = {});

  /// Lets its actors rest for that much `longer` after each kWorkSpan of work, in this life and in those to come, up or
  /// not; a negative one takes that back.
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
  std::function<void()> then_;  // after the planned failure of power
  base::Duration rest_{0};
  bool up_ = false;
};

}  // namespace troupe::sim
