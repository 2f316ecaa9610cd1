#include "actors/peers/logic/contact.hpp"

#include <algorithm>

namespace troupe::peers {
namespace {

constexpr std::size_t kV4PrefixBytes = 12;  // of a mapped address: RFC 4291 2.5.5.2

}  // namespace

bool is_unspecified(const base::Endpoint& endpoint) {
  const auto first = endpoint.address.begin() + (endpoint.is_v4() ? kV4PrefixBytes : 0);
  return std::all_of(first, endpoint.address.end(), [](std::uint8_t byte) { return byte == 0; });
}

Subnet subnet_of(const base::Endpoint& endpoint) {
  Subnet out{};
  const std::ptrdiff_t kept = endpoint.is_v4() ? kV4PrefixBytes + 2 : 4;
  std::copy(endpoint.address.begin(), endpoint.address.begin() + kept, out.begin());
  return out;
}

}  // namespace troupe::peers
