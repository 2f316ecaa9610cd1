#pragma once
// Draws the operations of one simulation run: few keys that many nodes write and read; in some runs a few nodes lie.
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::dht {

inline constexpr std::uint64_t kOperationsPerMinuteMin = 5;    // at load 0
inline constexpr std::uint64_t kOperationsPerMinuteMax = 120;  // at load 100; our choice: keeps a run cheap
inline constexpr std::int64_t kContentsDrawnMax = 24;          // our choice
inline constexpr std::int64_t kNamesDrawnMax = 3;              // per owner; our choice
inline constexpr std::int64_t kTopicsDrawnMax = 8;             // our choice
inline constexpr std::int64_t kListensDrawnMax = 40;           // seconds; our choice
inline constexpr std::uint16_t kLiarNodesMin = 5;  // one in this many nodes may lie, in runs with at least as many

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape);

}  // namespace troupe::dht
