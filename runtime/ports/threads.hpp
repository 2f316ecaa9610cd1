#pragma once
// On which thread an actor that blocks on a device runs.
#include <cstdint>

namespace troupe::ports {

enum class Placement : std::uint8_t {
  shared,      ///< on the scheduler's workers; must not block
  own_thread,  ///< the actor's own thread in production; inline in the simulation
};

class Threads {
 public:
  virtual ~Threads() = default;

  /// Whether `own_thread` means a real thread; false in the simulation.
  virtual bool real() const = 0;
};

}  // namespace troupe::ports
