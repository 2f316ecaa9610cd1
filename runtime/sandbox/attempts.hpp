#pragma once
// Attempts of a malicious program, from inside a sandbox. Each attempt runs in the sandboxed process.
#include <cstdint>
#include <span>
#include <string>

namespace troupe::sandbox {

/// Empty: the attempt was refused, as it must be. Otherwise what has worked.
using Attempted = std::string;

struct Attempt {
  const char* name;
  Attempted (*make)();
};

std::span<const Attempt> attempts();

/// Ports and names at which this host listens, so that attempts have a target. 0 and empty: none.
struct Bait {
  std::uint16_t port = 0;       ///< TCP at 127.0.0.1
  std::string abstract_name{};  ///< abstract name of a Unix socket
};
/// Call it before the sandbox is made, because the process inside has a copy.
void lay(const Bait& bait);

}  // namespace troupe::sandbox
