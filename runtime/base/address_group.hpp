#pragma once
// Address prefixes that one operator usually controls, so that many ids or addresses of one operator count as few.
//
// Group   a /24 for IPv4, a /48 for IPv6: what a site is assigned (RFC 6177 2). Loopback is a group like any other.
// Line    an address for IPv4, a /64 for IPv6: what a subscriber is assigned.
#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "runtime/base/endpoint.hpp"

namespace troupe::base {

/// An address with zeros after the prefix. A group and a line are never compared with each other.
struct AddressGroup {
  std::array<std::uint8_t, 16> prefix{};

  friend auto operator<=>(const AddressGroup&, const AddressGroup&) = default;
};

AddressGroup group_of(const Endpoint& at);
AddressGroup line_of(const Endpoint& at);
/// Returns the text of a group for people: "192.0.2.0/24", "[2001:db8:1::]/48".
std::string text(const AddressGroup& group);

/// A user of a resource. Id is what the resource counts by: a node, a line, a connection.
template <class Id>
struct User {
  Id id{};
  AddressGroup group{};
  bool reserved = false;  ///< this node itself or its operator: quotas do not apply, and the reserve may be used
};

// The fixed quotas of a resource, as parts of the whole. They apply once at least half of it is used.
inline constexpr std::uint32_t kGroupPart = 4;    // our choice: four address groups can fill a resource
inline constexpr std::uint32_t kIdPart = 16;      // our choice: a node keeps links to as many nodes by itself
inline constexpr std::uint32_t kReservePart = 8;  // our choice: untrusted nodes never use up everything

}  // namespace troupe::base
