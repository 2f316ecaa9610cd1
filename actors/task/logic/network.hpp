#pragma once
// Which hosts a worker lets tasks talk to (task.network).
//
// Pattern  HOST or HOST:PORT; without a port, every port. HOST is a name, "*." and a name (every name below it), "*"
//          (all), or an address. An IPv6 address is in brackets if a port follows. Case is ignored.
// Address  one that is listed is granted whatever it is. "*" grants public ones alone, and a name is carried to public
//          addresses and listed ones alone (ports::may_reach), so that no name leads into the network of its worker.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"

namespace troupe::task {

inline constexpr std::size_t kPatternsMax = 16;
inline constexpr std::size_t kPatternBytesMax = 64;  // as a capability has it
/// Of a node that lets tasks talk to hosts: its patterns.
inline constexpr std::string_view kNetworkCapability = "network";

/// What is wrong with it, for people; nothing if it is a pattern.
std::optional<std::string> pattern_fault(const std::string& text);
/// Whether one of `patterns` grants `host`, which is "HOST:PORT". What is no pattern grants nothing.
bool grants(std::span<const std::string> patterns, const std::string& host);
/// The addresses among them; port 0: each port.
std::vector<base::Endpoint> addresses_of(std::span<const std::string> patterns);

}  // namespace troupe::task
