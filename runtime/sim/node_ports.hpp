#pragma once
// All ports of one simulated node. Make it with Stage::keep, so that it outlives the node's actors:
//
//     auto fabric = sim::Fabric::make(stage);
//     auto& node = stage.keep<sim::NodePorts>(stage, fabric, 1, disk);
//     spawn_root(stage.system(), node.world());
#include "runtime/ports/world.hpp"
#include "runtime/sim/chance.hpp"
#include "runtime/sim/clock.hpp"
#include "runtime/sim/hardware.hpp"
#include "runtime/sim/network.hpp"
#include "runtime/sim/processes.hpp"
#include "runtime/sim/threads.hpp"

namespace troupe::sim {

class NodePorts {
 public:
  /// Makes the ports of the `number`-th node: address 10.0.x.y, its own stream of chance, a clock that is `number`
  /// hours ahead of the stage and `drift_ppm` millionths fast. `disk` and `mutations` outlive the node.
  NodePorts(Stage& stage, std::shared_ptr<Fabric> fabric, std::uint16_t number, ports::Disk& disk,
            const base::Mutations& mutations = base::kNoMutations, std::int32_t drift_ppm = 0)
      : clock_(stage, std::chrono::hours(number), drift_ppm),
        chance_(stage, "chance." + std::to_string(number)),
        network_(std::move(fabric), address_of(number), clock_),
        processes_(stage, number),
        disk_(disk),
        mutations_(mutations) {}
  NodePorts(const NodePorts&) = delete;
  NodePorts& operator=(const NodePorts&) = delete;

  ports::World world() { return {clock_, chance_, disk_, network_, threads_, mutations_, hardware_, processes_}; }

  Clock& clock() { return clock_; }
  Network& network() { return network_; }
  Hardware& hardware() { return hardware_; }
  Processes& processes() { return processes_; }
  const Address& address() const { return network_.address(); }

 private:
  Clock clock_;
  Chance chance_;
  Network network_;
  Processes processes_;
  Threads threads_;
  Hardware hardware_;
  ports::Disk& disk_;
  const base::Mutations& mutations_;
};

}  // namespace troupe::sim
