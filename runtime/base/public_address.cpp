#include "runtime/base/public_address.hpp"

#include <algorithm>
#include <span>

namespace troupe::base {
namespace {

struct Prefix {
  std::array<std::uint8_t, 16> address;
  unsigned bits;
};

bool begins_with(std::span<const std::uint8_t> address, const Prefix& prefix) {
  for (unsigned bit = 0; bit < prefix.bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
    if ((address[bit / 8] & mask) != (prefix.address[bit / 8] & mask)) return false;
  }
  return true;
}

constexpr Prefix kSpecialV4[] = {
    {{0}, 8},             // this network
    {{10}, 8},            // private
    {{100, 64}, 10},      // shared by the customers of a provider (carrier-grade NAT)
    {{127}, 8},           // loopback
    {{169, 254}, 16},     // link-local; cloud machines serve their secrets there
    {{172, 16}, 12},      // private
    {{192, 0, 0}, 24},    // IETF protocol assignments
    {{192, 0, 2}, 24},    // examples
    {{192, 88, 99}, 24},  // 6to4 relays
    {{192, 168}, 16},     // private
    {{198, 18}, 15},      // benchmarks
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 3},  // multicast, reserved, broadcast
};
constexpr Prefix kGlobalV6 = {{0x20}, 3};
constexpr Prefix kSpecialV6[] = {
    {{0x20, 0x01, 0x00}, 23},        // IETF protocol assignments, among them Teredo
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // examples
    {{0x20, 0x02}, 16},              // 6to4
    {{0x3f, 0xff}, 20},              // examples
};

}  // namespace

bool is_public(const Endpoint& at) {
  const std::span<const std::uint8_t> all(at.address);
  if (at.is_v4())
    return std::ranges::none_of(kSpecialV4, [&](const Prefix& one) { return begins_with(all.subspan(12), one); });
  return begins_with(all, kGlobalV6) &&
         std::ranges::none_of(kSpecialV6, [&](const Prefix& one) { return begins_with(all, one); });
}

}  // namespace troupe::base
