#pragma once
// Botan's source of randomness, drawn from the node's Chance port, so that a simulated run replays.
//
// Safety  Has no state: as safe from any thread as Chance is.
// Owner   The code that calls Botan; its Chance outlives it.
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

  /// The type that Botan's functions accept.
  Botan::RandomNumberGenerator& botan() const { return *source_; }

 private:
  std::unique_ptr<Botan::RandomNumberGenerator> source_;
};

}  // namespace troupe::crypto
