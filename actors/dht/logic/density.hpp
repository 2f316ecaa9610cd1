#pragma once
// How many nodes there are, judged by how close the nearest ones lie.
//
// Source  ids are uniform, so the i-th nearest of N lies at about i / N of the space; (m - 1) / distance of the m-th is
//         the unbiased estimate (Horowitz & Malkhi, "Estimating network size from local information", 2003).
// Units   distances as fractions of the space in 2^-64: their first 64 bits. No floating point.
#include <span>

#include "actors/dht/logic/range.hpp"

namespace troupe::dht {

/// A number of nodes, ourselves included; at least 1.
struct NetworkSize {
  std::uint64_t nodes = 1;

  friend auto operator<=>(const NetworkSize&, const NetworkSize&) = default;
};

/// The size of the network whose nodes nearest to `point` are `nearest`, sorted and without gaps, all different from
/// `point`. Fewer than 3 say nothing but their own number.
NetworkSize estimate_size(const Key& point, std::span<const Key> nearest);

/// How many of `size` nodes lie nearer to a point than `distance`, on average; rounded down.
std::uint64_t expected_within(const Key& distance, NetworkSize size);

}  // namespace troupe::dht
