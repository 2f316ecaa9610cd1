#pragma once
// The hosts that a program may talk to, as they are inside: each is an address of the loopback of its sandbox, at which
// connections are taken for it.
//
// Names    the first one is 127.1.0.1, the next 127.1.0.2; /etc/hosts says so, and nothing else resolves.
// Numbers  are themselves: the loopback has their addresses.
#include <span>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"

namespace troupe::sandbox {

/// Where connections to each of `hosts` are taken, in their order.
std::vector<base::Endpoint> inside_of(std::span<const base::HostPort> hosts);
/// The text of /etc/hosts.
std::string names_file(std::span<const base::HostPort> hosts);

}  // namespace troupe::sandbox
