#pragma once
// What one operator usually holds of the address space, so that many ids or addresses behind one line count as few.
//
// Group   a /24 of IPv4, a /48 of IPv6: what one site gets (RFC 6177 2).
// Line    an address of IPv4, a /64 of IPv6: what one subscriber holds.
// Loopback is a group like any other.
#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "runtime/base/endpoint.hpp"

namespace troupe::base {

/// The address with zeros behind the prefix. A group and a line are never compared with each other.
struct AddressGroup {
  std::array<std::uint8_t, 16> prefix{};

  friend auto operator<=>(const AddressGroup&, const AddressGroup&) = default;
};

AddressGroup group_of(const Endpoint& at);
AddressGroup line_of(const Endpoint& at);
/// Of a group, for people: "192.0.2.0/24", "[2001:db8:1::]/48".
std::string text(const AddressGroup& group);

/// Who uses a resource. An Id is what the resource counts by: a node, a line, a connection.
template <class Id>
struct User {
  Id id{};
  AddressGroup group{};
  bool reserved = false;  ///< this node itself, or an operator of it: no share binds it, and the reserve is for it
};

// The shares of a resource that are fixed, as parts of the whole. They bind while less than half of it is free.
inline constexpr std::uint32_t kGroupPart = 4;    // our choice: four sites may be well, and a fifth takes turns
inline constexpr std::uint32_t kIdPart = 16;      // our choice: as many nodes as a node keeps links by itself
inline constexpr std::uint32_t kReservePart = 8;  // our choice: strangers alone never use up everything

}  // namespace troupe::base
