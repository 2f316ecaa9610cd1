#pragma once
// The orders of one world, drawn: a mix of small files and few large ones, read and removed wherever they may be.
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/sim/domain.hpp"

namespace troupe::files {

inline constexpr std::uint64_t kOrdersPerMinuteMin = 5;    // at load 0
inline constexpr std::uint64_t kOrdersPerMinuteMax = 150;  // at load 100; our choice: what keeps a world cheap
inline constexpr std::size_t kSimFilesDrawnMax = 64;       // our choice

std::vector<sim::Order> draw_orders(base::Random& random, const sim::Shape& shape);

}  // namespace troupe::files
