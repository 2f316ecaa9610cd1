#pragma once
// The ports of one node. The caller keeps them alive longer than the node. A source file that calls a large port
// includes that port's header.
#include "runtime/base/mutations.hpp"
#include "runtime/ports/chance.hpp"
#include "runtime/ports/clock.hpp"
#include "runtime/ports/threads.hpp"

namespace troupe::ports {

class Disk;
class Hardware;
class Network;
class Processes;

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
