#pragma once
// How a command ends, as scripts see it.
#include <cstdint>

#include "runtime/base/error.hpp"

namespace troupe::apps {

enum class Exit : std::uint8_t {
  done = 0,
  failed = 1,
  usage = 2,   ///< usage or bad configuration
  partly = 3,  ///< done, but not all of it
  not_found = 4,
  refused = 5,             ///< refused or conflict
  overloaded = 6,          ///< overloaded or no space
  unavailable = 7,         ///< unavailable, no quorum, or a read timed out
  unknown = 8,             ///< the outcome is unknown, or a write timed out
  nothing_checked = 10,    ///< `sim`: nothing was checked, or a property never reached
  not_deterministic = 11,  ///< `sim`
  simulator_failed = 12,   ///< `sim`
  interrupted = 130,       ///< 128 + SIGINT; SIGHUP gives 129 and SIGTERM 143 in commands that handle them
  broken_pipe = 141,       ///< 128 + SIGPIPE: standard output was closed by its reader; nothing is printed about it
};

enum class Effect : std::uint8_t {
  read,   ///< changes nothing
  write,  ///< may have changed something although no response arrived
};

/// Returns the exit of a command whose request failed with `code`.
Exit exit_of(base::Code code, Effect effect);

}  // namespace troupe::apps
