#pragma once
// Where a node lives and the proof of its id, as nodes pass it on.
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::base {

struct Contact {
  PublicKey key;
  std::uint32_t nonce = 0;  ///< the work nonce of the id (runtime/crypto/identity.hpp)
  Endpoint endpoint;        ///< not dialable: it only dials others

  friend auto operator<=>(const Contact&, const Contact&) = default;
};

}  // namespace troupe::base
