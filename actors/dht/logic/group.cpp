#include "actors/dht/logic/group.hpp"

#include <algorithm>

namespace troupe::dht {
namespace {

constexpr std::size_t kV4At = 12;  // offset of the four bytes of a mapped IPv4 address

}  // namespace

Group GroupOf::operator()(const base::Endpoint& endpoint) const {
  if (endpoint.is_loopback()) return Group{endpoint};
  const bool v4 = endpoint.is_v4();
  if (v4 && ten_net == TenNet::simulation && endpoint.address[kV4At] == 10) return Group{endpoint};

  const std::size_t kept = v4 ? 8 * kV4At + std::min<std::size_t>(v4_bits, 32) : std::min<std::size_t>(v6_bits, 128);
  Group out{endpoint};
  out.prefix.port = 0;
  for (std::size_t i = 0; i < out.prefix.address.size(); ++i) {
    const std::size_t bits = kept > 8 * i ? std::min<std::size_t>(kept - 8 * i, 8) : 0;
    out.prefix.address[i] = static_cast<std::uint8_t>(out.prefix.address[i] & (0xff00U >> bits));
  }
  return out;
}

}  // namespace troupe::dht
