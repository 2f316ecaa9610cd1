#pragma once
// Which addresses belong to one machine of the public internet, and not to a network behind some door.
#include "runtime/base/endpoint.hpp"

namespace troupe::base {

/// Global unicast: none of the special purposes that IANA has registered (RFC 6890), and nothing that carries an
/// address of IPv4 inside (6to4, Teredo, NAT64), which could be one. The port does not count.
bool is_public(const Endpoint& at);

}  // namespace troupe::base
