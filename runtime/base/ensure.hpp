#pragma once
// A broken invariant ends the actor that holds it: `ensure` throws, the supervisor acts.
//
// Not for what a peer, a file or a person says: that is rejected with an error (result.hpp).
#include <source_location>
#include <stdexcept>

namespace troupe::base {

/// Thrown by `ensure`. The text names the claim and the source line, for the log.
class InvariantBroken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Thrown where an actor does not know its own state any more, because a device did not report what it has done. The
/// next incarnation reads the state anew. The program itself is not at fault.
class StateUnknown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const char* claim, std::source_location where);

/// Throws InvariantBroken unless `held`. `claim` says what should have been true.
inline void ensure(bool held, const char* claim, std::source_location where = std::source_location::current()) {
  if (!held) [[unlikely]] {
    fail(claim, where);
  }
}

}  // namespace troupe::base
