#pragma once
// Keys for datagrams that cost a hash instead of an agreement, and hide nothing: anyone can compute them. For worlds
// in which each node meets each other, where agreements would take most of the time.
#include <optional>

#include "runtime/crypto/agreement.hpp"

namespace troupe::sim {

/// What `own` shares with `other`.
std::optional<crypto::DatagramKeys> open_keys(const base::PublicKey& own, const base::PublicKey& other);

}  // namespace troupe::sim
