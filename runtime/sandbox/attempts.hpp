#pragma once
// What a program that means harm tries, from inside of a sandbox. Each attempt is made in the process that is held.
#include <cstdint>
#include <span>
#include <string>

namespace troupe::sandbox {

/// Empty: it was refused, as it must be. Otherwise what has worked.
using Attempted = std::string;

struct Attempt {
  const char* name;
  Attempted (*make)();
};

std::span<const Attempt> attempts();

/// Ports and names of this host at which it listens, so that attempts have something to find. 0 and empty: nothing.
struct Bait {
  std::uint16_t port = 0;       ///< TCP at 127.0.0.1
  std::string abstract_name{};  ///< of a Unix socket
};
/// To be set before the sandbox is made: the process inside has a copy.
void lay(const Bait& bait);

}  // namespace troupe::sandbox
