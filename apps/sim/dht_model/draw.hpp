#pragma once
// What the models draw by chance: ids, addresses, and how long something lasts.
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

/// Exponentially distributed: what has lasted for long is as likely to end as what has just begun.
inline base::Duration draw_time(base::Random& random, base::Duration mean) {
  constexpr double kSteps = 1ULL << 53;
  const double uniform = (static_cast<double>(random.next() >> 11) + 0.5) / kSteps;
  return base::Duration(static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(mean.count())));
}

inline base::Duration draw_below(base::Random& random, base::Duration bound) {
  return base::Duration(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound.count()) + 1)));
}

/// A node of that id at an address, given as its four numbers. Its key is no key: models check no work.
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

/// The `number`-th address of 10.0.0.0/8, in the simulation an address group of its own: as honest nodes are spread.
inline std::uint32_t spread_address(std::size_t number) {
  return std::uint32_t{10} << 24 | (static_cast<std::uint32_t>(number + 1) & 0xff'ffffU);
}

/// The `host`-th address in the `net`-th /24 that an attacker has rented.
inline std::uint32_t rented_address(std::size_t net, std::size_t host) {
  return (std::uint32_t{100} << 24) + (static_cast<std::uint32_t>(net) << 8) +
         static_cast<std::uint32_t>(host % 254 + 1);
}

}  // namespace troupe::dht::model
