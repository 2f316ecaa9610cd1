#pragma once
// The hosts that a program may connect to, as seen inside the sandbox: each host is a loopback address, at which
// connections to the host are accepted.
//
// Names    the first host is 127.1.0.1, the next 127.1.0.2; /etc/hosts lists them, and no other name resolves.
// Numbers  numeric hosts keep their addresses, which the loopback then has.
#include <span>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"

namespace troupe::sandbox {

/// Returns where connections to each of `hosts` are accepted, in their order.
std::vector<base::Endpoint> inside_of(std::span<const base::HostPort> hosts);
/// Returns the text of /etc/hosts.
std::string names_file(std::span<const base::HostPort> hosts);

}  // namespace troupe::sandbox
