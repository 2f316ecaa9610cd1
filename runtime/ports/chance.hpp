#pragma once
// The source of randomness of a node.
#include <cstdint>
#include <span>

namespace troupe::ports {

class Chance {
 public:
  virtual ~Chance() = default;

  /// Fills `out` with unpredictable bytes (in the simulation: from the seed). Safe from any thread.
  virtual void fill(std::span<std::uint8_t> out) = 0;

  /// Returns an unpredictable seed for a `base::Random`.
  std::uint64_t seed() {
    std::uint64_t out = 0;
    fill({reinterpret_cast<std::uint8_t*>(&out), sizeof out});
    return out;
  }
};

}  // namespace troupe::ports
