#pragma once
// Reproducible random numbers: a seed gives the same draws on every machine.
//
// Source  Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2021 (xoshiro256**, splitmix64).
// Not for keys or nonces: those come from the Chance port (runtime/ports/chance.hpp).
#include <array>
#include <cstdint>
#include <utility>

namespace troupe::base {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// Returns 64 uniform bits.
  std::uint64_t next();

  /// Returns a uniform number in [0, bound). `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound);

  /// Returns true with probability `numerator / denominator`.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

  /// Shuffles the elements uniformly (Fisher-Yates).
  template <class Container>
  void shuffle(Container& items) {
    using std::swap;
    for (std::size_t left = items.size(); left > 1; --left) swap(items[left - 1], items[below(left)]);
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace troupe::base
