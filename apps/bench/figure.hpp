#pragma once
// One figure, as `troupe bench --json` and the reference programs print it (DESIGN.md, "Command line").
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::bench {

struct Figure {
  std::string what;  ///< a reference program's figure ends in .caf, .basp or .opendht
  std::size_t clients = 1;
  std::optional<double> per_second = {};
  std::optional<double> mib_per_second = {};
  std::vector<base::Duration> delays = {};  ///< of single requests; empty if none were timed
  std::uint64_t errors = 0;
  std::string error = {};                            ///< first error
  std::optional<std::uint64_t> resident_bytes = {};  ///< growth of resident memory, divided by `clients`
  std::optional<double> requests_each = {};          ///< requests sent by all nodes together, per operation
  std::optional<double> cpu_ms_each = {};            ///< processor time of the whole process per operation
  std::optional<double> syncs_each = {};             ///< syncs of all members' logs per operation
  std::optional<double> mib = {};                    ///< memory
  std::optional<double> seconds = {};                ///< of a single operation, or the median of several
  std::optional<double> seconds_max = {};            ///< the maximum of the several
  std::optional<double> ratio = {};
};
using Figures = std::vector<Figure>;

/// Returns the percentile by nearest rank: the smallest delay that `percent` % of all delays do not exceed. Returns
/// nullopt without delays.
inline std::optional<double> percentile_ms(std::vector<base::Duration> delays, std::size_t percent) {
  if (delays.empty()) return std::nullopt;
  const std::size_t rank = std::max<std::size_t>((delays.size() * percent + 99) / 100, 1) - 1;
  const auto place = delays.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(delays.begin(), place, delays.end());
  return std::chrono::duration<double, std::milli>(*place).count();
}

}  // namespace troupe::bench
