#pragma once
// The hosts that a worker lets tasks connect to (task.network).
//
// Pattern  HOST or HOST:PORT; without a port, every port. HOST is a name, "*." and a name (every name below it), "*"
//          (all), or an address. An IPv6 address is in brackets if a port follows. Case is ignored.
// Address  a listed address is always granted. "*" grants only public addresses. A connection to a name reaches only
//          public and listed addresses (ports::may_reach), so no name leads into the worker's network.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"

namespace troupe::task {

inline constexpr std::size_t kPatternsMax = 16;
inline constexpr std::size_t kPatternBytesMax = 64;  // as in a capability
/// Capability of a node that lets tasks connect to hosts: its patterns.
inline constexpr std::string_view kNetworkCapability = "network";

/// Returns what is wrong with a pattern, for people, or nullopt if it is valid.
std::optional<std::string> pattern_fault(const std::string& text);
/// Returns whether a pattern grants `host` ("HOST:PORT"). An invalid pattern grants nothing.
bool grants(std::span<const std::string> patterns, const std::string& host);
/// Returns the addresses among the patterns; port 0 is every port.
std::vector<base::Endpoint> addresses_of(std::span<const std::string> patterns);

}  // namespace troupe::task
