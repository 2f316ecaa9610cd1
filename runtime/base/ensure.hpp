#pragma once
// A broken invariant ends the actor that finds it: `ensure` throws, and the supervisor restarts the actor or gives up.
//
// Not for invalid input from a peer, a file or a person: that is rejected with an error (result.hpp).
#include <source_location>
#include <stdexcept>

namespace troupe::base {

/// Thrown by `ensure`. The text names the claim and the source line, for the log.
class InvariantBroken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Thrown if an actor no longer knows its own state, because a device did not report the result of an operation. The
/// next incarnation reads the state again. This is not an error in the program.
class StateUnknown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const char* claim, std::source_location where);

/// Throws InvariantBroken unless `held`. `claim` says what should be true.
inline void ensure(bool held, const char* claim, std::source_location where = std::source_location::current()) {
  if (!held) [[unlikely]] {
    fail(claim, where);
  }
}

}  // namespace troupe::base
