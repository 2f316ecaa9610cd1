#pragma once
// Random choices of the models: ids, addresses, and durations.
#include <cmath>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht::model {

inline Key draw_key(base::Random& random) {
  Key out;
  for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

/// Returns an exponentially distributed time, so that the remaining time does not depend on the past time.
inline base::Duration draw_time(base::Random& random, base::Duration mean) {
  constexpr double kSteps = 1ULL << 53;
  const double uniform = (static_cast<double>(random.next() >> 11) + 0.5) / kSteps;
  return base::Duration(static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(mean.count())));
}

inline base::Duration draw_below(base::Random& random, base::Duration bound) {
  return base::Duration(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound.count()) + 1)));
}

/// Returns a node with that id at an address, given as its four numbers. Its key is not valid: models check no proof of
/// work.
inline Contact contact_at(const Key& id, std::uint32_t address, std::uint16_t port = 4'000) {
  Contact out;
  out.id = id;
  for (std::size_t i = 0; i < Key::kBytes; ++i) out.where.key.bytes[i] = id.bytes[i];
  out.where.endpoint.address[10] = out.where.endpoint.address[11] = 0xff;
  for (std::size_t i = 0; i < 4; ++i)
    out.where.endpoint.address[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
  out.where.endpoint.port = port;
  return out;
}

/// Returns the `number`-th address of 10.0.0.0/8, which in the simulation is its own address group: for honest nodes.
inline std::uint32_t spread_address(std::size_t number) {
  return std::uint32_t{10} << 24 | (static_cast<std::uint32_t>(number + 1) & 0xff'ffffU);
}

/// Returns the `host`-th address in the `net`-th /24 that an attacker has rented.
inline std::uint32_t rented_address(std::size_t net, std::size_t host) {
  return (std::uint32_t{100} << 24) + (static_cast<std::uint32_t>(net) << 8) +
         static_cast<std::uint32_t>(host % 254 + 1);
}

}  // namespace troupe::dht::model
