#pragma once
// The key, address and work nonce of a node, as nodes exchange them.
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::base {

struct Contact {
  PublicKey key;
  std::uint32_t nonce = 0;  ///< the work nonce of the id (runtime/crypto/identity.hpp)
  Endpoint endpoint;        ///< if not dialable, the node only dials other nodes

  friend auto operator<=>(const Contact&, const Contact&) = default;
};

}  // namespace troupe::base
