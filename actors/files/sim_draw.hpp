#pragma once
// Draws the operations of one run: many small files and few large files, read and removed at any node.
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::files {

inline constexpr std::uint64_t kOperationsPerMinuteMin = 5;    // at load 0
inline constexpr std::uint64_t kOperationsPerMinuteMax = 150;  // at load 100; our choice: keeps a run cheap
inline constexpr std::size_t kSimFilesDrawnMax = 64;           // our choice

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape);

}  // namespace troupe::files
