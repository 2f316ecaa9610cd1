#include "runtime/base/random.hpp"

#include <bit>

#include "runtime/base/ensure.hpp"

namespace troupe::base {

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64, so that similar seeds give dissimilar states
    seed += 0x9e3779b97f4a7c15u;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

std::uint64_t Random::below(std::uint64_t bound) {
  ensure(bound > 0, "a draw has at least one outcome");
  const std::uint64_t reject_below = (0 - bound) % bound;  // repeats draws below this, so that the rest is even
  std::uint64_t draw = next();
  while (draw < reject_below) draw = next();
  return draw % bound;
}

}  // namespace troupe::base
