#pragma once
// What is offered to whoever holds records, in tests.
#include <doctest/doctest.h>

#include "actors/dht/logic/held.hpp"
#include "tests/actors/dht/records.hpp"

namespace troupe::dht::test {

inline const base::NodeId kOwn{}, kAnn = key(1), kBob = key(2);

/// A record of that many bytes at a distance from kOwn which begins with `first`.
inline Offer offer(std::uint8_t first, std::size_t bytes = 100, Space space = Space::cid) {
  Offer out;
  out.place = {space, key(first)};
  out.from = kAnn;
  out.owner = *Owner::from(kAnn.view());
  out.expires = base::WallTime::max();
  out.encoded = base::Bytes(bytes, first);
  out.tag = tag_of(out.encoded);
  return out;
}
inline Offer by(const base::NodeId& owner, Offer out) {
  out.from = owner;
  out.owner = *Owner::from(owner.view());
  return out;
}
/// What admit() makes of a real record.
inline Offer admitted(const Record& record, base::WallTime wall = kWall) {
  const auto out = admit(encode(record), key_of(record), kAnn, wall, 0);
  REQUIRE(out.ok());
  return out.value();
}
inline std::optional<StoredAs> stored(Held& held, const Offer& what, base::WallTime wall = kWall) {
  const auto out = held.store(what, {}, wall);
  if (!out.ok()) return std::nullopt;
  return out.value().as;
}
inline StoreRefused refused(Held& held, const Offer& what, std::optional<std::uint64_t> expected = {}) {
  const auto out = held.store(what, expected, kWall);
  REQUIRE_FALSE(out.ok());
  return out.error();
}
inline Held held_with(HeldLimits limits = {}, Values values = Values::on_disk) { return {kOwn, limits, values, 0}; }
inline const RecordKey kOrders{Space::kv, key_of(kv())};

}  // namespace troupe::dht::test
