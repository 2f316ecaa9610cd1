#pragma once
// Contacts for the tests of routing: ids chosen, endpoints on loopback unless said otherwise.
#include <algorithm>
#include <string>
#include <vector>

#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/range.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::dht::test {

/// The point whose first 64 bits are `high`, the rest zero.
inline Key point(std::uint64_t high) {
  Key out;
  for (std::size_t i = 0; i < 8; ++i) out.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
  return out;
}

inline Key random_point(base::Random& random) {
  Key out;
  for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return out;
}

inline base::Endpoint endpoint(const std::string& text) {
  const auto out = base::Endpoint::parse(text);
  base::ensure(out.has_value(), "a test names an endpoint");
  return *out;
}

inline Contact contact_at(const Key& id, const std::string& where) {
  Contact out;
  out.id = id;
  std::copy(id.bytes.begin(), id.bytes.end(), out.where.key.bytes.begin());
  out.where.endpoint = endpoint(where);
  return out;
}

/// The `number`-th contact of the far half, as the point zero sees it; below 10,000.
inline Contact contact(std::uint64_t number) {
  return contact_at(point(std::uint64_t{1} << 63 | number), "127.0.0.1:" + std::to_string(10'000 + number));
}

/// The `rank`-th nearest of a network around zero, 1 the nearest; its endpoint is its own group.
inline Contact node(std::uint64_t rank, const std::string& address = "127.0.0.1") {
  return contact_at(point(rank << 32), address + ":" + std::to_string(rank % 65'000 + 1));
}
inline std::vector<Contact> nodes(std::uint64_t first, std::uint64_t last) {
  std::vector<Contact> out;
  for (std::uint64_t rank = first; rank <= last; ++rank) out.push_back(node(rank));
  return out;
}

inline LookupAnswer names(std::vector<Contact> contacts) { return LookupAnswer{std::move(contacts), std::nullopt, 0}; }

}  // namespace troupe::dht::test
