#pragma once
// Where the database does its background work.
#include <cstdint>

namespace troupe::store {

enum class Background : std::uint8_t {
  thread,  ///< in LevelDB's own thread, one for the process: production
  here,    ///< in the calling thread, before each call returns: the simulation, which replays
};

}  // namespace troupe::store
