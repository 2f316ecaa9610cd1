#pragma once
// One simulated machine: an address and a disk that stay, and a node on them that lives, dies and comes back.
//
// States  off, up, paused. boot() begins a life with ports of its own; kill() and lose_power() end it at once.
// Kill    ends the process alone: what it wrote is in the system's cache and stays; its streams are closed politely.
// Power   ends the machine: what was not synced may be lost, and its streams hear nothing until it is back.
// End     an actor may still handle the message at hand before it ends: its files are dead by then.
// Lives   keep their Node and ports until the machine is destroyed: actors of an old life may still wind up.
// Owner   one world. Destroy it before the stage, then let the stage run for a moment.
#include <memory>
#include <vector>

#include "runtime/actor/node.hpp"
#include "runtime/sim/disk.hpp"
#include "runtime/sim/node_ports.hpp"

namespace troupe::sim {

struct MachineOptions {
  std::int32_t drift_ppm = 0;  ///< of its clock
  std::uint64_t disk_bytes = kDiskBytes;
  runtime::NodeLimits limits = {};
  const base::Mutations* mutations = &base::kNoMutations;  ///< outlives it
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
  Disk& disk() { return disk_; }
  bool up() const { return up_; }
  std::size_t lives() const { return lives_.size(); }

  /// Begins a life on what the disk holds; it must not be up. Actors are the caller's to start.
  runtime::Node& boot();
  /// Of this life, or of the last one.
  runtime::Node& node() { return lives_.back()->node; }
  NodePorts& ports() { return lives_.back()->ports; }

  /// Nothing happens to a machine that is not up.
  void kill();
  void lose_power();

  /// Lets none of its actors run; what they are sent waits. Nothing happens to a machine that is not up.
  void pause();
  void resume();

 private:
  struct Life {
    Life(NodePorts& its_ports, caf::actor_system& system, const runtime::NodeLimits& limits)
        : ports(its_ports), node(system, its_ports.world(), limits) {}
    NodePorts& ports;
    runtime::Node node;
  };
  void end_life();

  Stage& stage_;
  std::shared_ptr<Fabric> fabric_;
  std::uint16_t number_;
  MachineOptions options_;
  Disk disk_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::vector<ActorNumber> paused_;
  bool up_ = false;
};

}  // namespace troupe::sim
