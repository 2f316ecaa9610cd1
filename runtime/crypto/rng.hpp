#pragma once
// Botan's source of randomness, drawn from the node's Chance port, so that a simulated run replays.
//
// Safety  keeps no state of its own: as safe from any thread as Chance is.
// Owner   the code that calls Botan; its Chance outlives it.
#include <memory>

#include "runtime/ports/chance.hpp"

namespace Botan {
class RandomNumberGenerator;
}

namespace troupe::crypto {

class Rng {
 public:
  explicit Rng(ports::Chance& chance);
  ~Rng();

  /// The type that Botan's functions take.
  Botan::RandomNumberGenerator& botan() const { return *source_; }

 private:
  std::unique_ptr<Botan::RandomNumberGenerator> source_;
};

}  // namespace troupe::crypto
