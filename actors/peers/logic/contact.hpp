#pragma once
// A node's address with the proof of its id, as peers pass it on; and the network of an address.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "runtime/base/contact.hpp"

namespace troupe::peers {

using base::Contact;

/// Returns the id of a key and nonce, or nullopt if it lacks the network's work. Production: crypto::check.
using IdOf = std::function<std::optional<base::NodeId>(const base::PublicKey& key, std::uint32_t nonce)>;

/// Returns whether it is 0.0.0.0 or [::], with any port: all addresses of a machine.
bool is_unspecified(const base::Endpoint& endpoint);

/// The range that one operator usually has: the first 16 bits of an IPv4 address, 32 of an IPv6 address.
using Subnet = std::array<std::uint8_t, 14>;
Subnet subnet_of(const base::Endpoint& endpoint);

}  // namespace troupe::peers
