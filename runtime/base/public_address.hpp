#pragma once
// Which addresses belong to one machine of the public internet, not to a private or special network.
#include "runtime/base/endpoint.hpp"

namespace troupe::base {

/// Whether the address is global unicast. Excludes IANA's special-purpose addresses (RFC 6890), and IPv6 addresses that
/// embed an IPv4 address (6to4, Teredo, NAT64), which could be special. The port does not matter.
bool is_public(const Endpoint& at);

}  // namespace troupe::base
