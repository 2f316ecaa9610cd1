#pragma once
// Reads a trace file (trace.hpp): its scenario and its snapshots. The input is untrusted: the result is an error, or a
// world that can be run.
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/failure.hpp"
#include "apps/sim/workloads.hpp"
#include "runtime/base/result.hpp"
#include "runtime/config/settings.hpp"

namespace troupe::apps {

inline constexpr std::size_t kTraceBytesMax = 1ull << 30;  // our choice: some 900 million events

/// A world to run again, and the snapshots that its first run must match.
struct Recorded {
  struct Snapshot {
    std::uint64_t event = 0;
    std::uint64_t hash = 0;  ///< of all events before
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };
  sim::Scenario scenario;
  std::vector<Snapshot> snapshots{};  ///< by event; empty for a world that was not recorded
};

/// Errors: `malformed` with the fault; it repeats parts of the text, so escape it before printing.
base::Outcome<Recorded> parse_recorded(std::string_view bytes, sim::WorkloadSpecs workloads,
                                       const config::Table& settings);
base::Result<Recorded, Failure> read_trace(const std::string& path, sim::WorkloadSpecs workloads);

}  // namespace troupe::apps
