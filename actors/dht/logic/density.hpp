#pragma once
// Estimates how many nodes there are from the distances of the nearest nodes.
//
// Source  ids are uniform, so the i-th nearest of N is at about i / N of the space; (m - 1) / distance of the m-th is
//         the unbiased estimate (Horowitz & Malkhi, "Estimating network size from local information", 2003).
// Units   distances as fractions of the space in 2^-64: their first 64 bits. No floating point.
#include <span>

#include "actors/dht/logic/range.hpp"

namespace troupe::dht {

/// A number of nodes, including this node; at least 1.
struct NetworkSize {
  std::uint64_t nodes = 1;

  friend auto operator<=>(const NetworkSize&, const NetworkSize&) = default;
};

/// Estimates the network's size from `nearest`, the nodes nearest to `point`: sorted, without gaps, all different from
/// `point`. With fewer than 3 nodes the result is only their number.
NetworkSize estimate_size(const Key& point, std::span<const Key> nearest);

/// Returns how many of `size` nodes are nearer to a point than `distance`, on average; rounded down.
std::uint64_t expected_within(const Key& distance, NetworkSize size);

}  // namespace troupe::dht
