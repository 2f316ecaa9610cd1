#pragma once
// Where an actor runs that blocks on its device.
#include <cstdint>

namespace troupe::ports {

enum class Placement : std::uint8_t {
  shared,      ///< on the scheduler's workers; must not block
  own_thread,  ///< a thread of its own in production; inline in the simulation
};

class Threads {
 public:
  virtual ~Threads() = default;

  /// Whether `own_thread` really means a thread here.
  virtual bool real() const = 0;
};

}  // namespace troupe::ports
