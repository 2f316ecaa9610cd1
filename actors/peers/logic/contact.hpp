#pragma once
// A node's address and the proof of its id, as peers pass them on; and what an address tells about its network.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "runtime/base/contact.hpp"

namespace troupe::peers {

using base::Contact;

/// The id of a key and nonce; nothing if it lacks the network's work. Production: crypto::check.
using IdOf = std::function<std::optional<base::NodeId>(const base::PublicKey& key, std::uint32_t nonce)>;

/// 0.0.0.0 or [::], with any port: all addresses of a machine.
bool is_unspecified(const base::Endpoint& endpoint);

/// What one operator usually holds: the first 16 bits of an IPv4 address, 32 of an IPv6 address.
using Subnet = std::array<std::uint8_t, 14>;
Subnet subnet_of(const base::Endpoint& endpoint);

}  // namespace troupe::peers
