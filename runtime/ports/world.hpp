#pragma once
// One node's set of ports. The caller keeps them alive for longer than the node.
#include "runtime/base/mutations.hpp"
#include "runtime/ports/chance.hpp"
#include "runtime/ports/clock.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/ports/hardware.hpp"
#include "runtime/ports/network.hpp"
#include "runtime/ports/processes.hpp"
#include "runtime/ports/threads.hpp"

namespace troupe::ports {

struct World {
  Clock& clock;
  Chance& chance;
  Disk& disk;
  Network& network;
  Threads& threads;
  const base::Mutations& mutations;
  Hardware& hardware;
  Processes& processes;
};

}  // namespace troupe::ports
