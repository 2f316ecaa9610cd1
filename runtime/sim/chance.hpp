#pragma once
// The source of randomness of one simulated node: a stream drawn from the stage's seed.
#include <algorithm>
#include <cstring>

#include "runtime/ports/chance.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::sim {

class Chance final : public ports::Chance {
 public:
  /// Draws from `stage.stream(name)`.
  Chance(Stage& stage, std::string_view name) : stage_(stage), random_(stage.stream(name)) {}

  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t at = 0; at < out.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t word = random_.next();
      stage_.note(word);
      std::memcpy(out.data() + at, &word, std::min(sizeof word, out.size() - at));
    }
  }

 private:
  Stage& stage_;
  base::Random& random_;
};

}  // namespace troupe::sim
