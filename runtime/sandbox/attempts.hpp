#pragma once
// Attempts of a malicious program to escape from a sandbox. Each attempt runs in the sandboxed process.
#include <cstdint>
#include <span>
#include <string>

namespace troupe::sandbox {

/// What has worked and should not; empty if the attempt was refused, as it must be.
using Attempted = std::string;

struct Attempt {
  const char* name;
  Attempted (*make)();
};

std::span<const Attempt> attempts();

/// A port and a name at which this host listens, so that attempts have a target. 0 and empty: none.
struct Bait {
  std::uint16_t port = 0;       ///< TCP at 127.0.0.1
  std::string abstract_name{};  ///< abstract name of a Unix socket
};
/// Sets the bait. Call it before the sandbox is made, because the process inside is a copy of this process.
void lay(const Bait& bait);

}  // namespace troupe::sandbox
