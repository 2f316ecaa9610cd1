#pragma once
// An instant of a world as a file, so that the world can be run again up to that instant: `:capture` writes it, `sim
// replay` and `inspect` read it.
//
// Format  a scenario (scenario_file.hpp) whose comment begins with these lines, so that every other command reads it as
//         a scenario:
//   # troupe capture 1
//   # revision 0.1.0
//   # event 3087
//   # hash 00112233445566ff     of all events until then: another revision differs, which is reported
//   # actor n3 /dht             without a path: no actor
#include <string>
#include <string_view>

#include "apps/cli/failure.hpp"
#include "apps/sim/trace_source.hpp"

namespace troupe::apps {

struct Capture {
  sim::Scenario scenario;
  std::string revision;  ///< revision of the program that wrote it
  std::uint64_t event = 0;
  std::uint64_t hash = 0;
  std::size_t node = 0;
  std::string actor;  ///< a path; empty: none

  /// Returns the world to run again; its first run compares the hash.
  Recorded recorded() const { return {scenario, {{event, hash}}}; }
  friend bool operator==(const Capture&, const Capture&) = default;
};

std::string write_capture(const Capture& capture, sim::WorkloadSpecs workloads);

/// Parses a capture. Errors: `malformed` with the fault; the message repeats parts of the text, so escape it before
/// printing.
base::Outcome<Capture> parse_capture(std::string_view text, sim::WorkloadSpecs workloads,
                                     const config::Table& settings);
/// Reads a capture file. The failure says so if the file is a capture of a live node, which is JSON.
base::Result<Capture, Failure> read_capture(const std::string& path, sim::WorkloadSpecs workloads);

}  // namespace troupe::apps
