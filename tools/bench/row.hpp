#pragma once
// A figure as `troupe bench --json` prints it (DESIGN.md, "Command line"), for programs that are not troupe.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

struct Row {
  std::string what;  ///< ends in .caf or .basp
  std::size_t clients = 1;
  std::optional<double> per_second = {};
  std::optional<double> mib_per_second = {};
  std::vector<std::chrono::nanoseconds> delays = {};  ///< of single questions; empty where none were timed
  std::uint64_t errors = 0;
};

/// One line of JSON; every field is present, null where it was not measured.
std::string json(const Row& row);

}  // namespace troupe::bench
