#pragma once
// A scenario as a TOML file that people read and write: README.md of tests/scenarios shows the form.
//
// Nodes   nodes are "n1" and up in a file, as in reports, and 0 and up in the program.
// Words   an operation is an `order` in a file, and in messages about the file.
// Ranges  each number is checked against the spec of its fault or operation. Unknown names are refused, because a
//         scenario whose domain has changed must fail instead of testing something else.
// Knobs   knobs are settings of every node, except kWorldSettings, which the world itself sets for each node.
// Limits  kScenarioBytesMax, the limits of runtime/sim/scenario.hpp, and the nesting of runtime/config/toml_shape.hpp.
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/config/setting.hpp"
#include "runtime/sim/scenario.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

inline constexpr std::size_t kScenarioBytesMax = 16 << 20;  // size of kOperationsMax and kFaultsMax when written
inline constexpr std::array<std::string_view, 4> kWorldSettings{"listen", "join", "identity.work_bits", "log.level"};
inline constexpr std::size_t kHeaderBytesMax = 4'096;  // limit of the comment; our choice: one screen
inline constexpr std::chrono::minutes kLatencyMax{1};  // our choice: longer than any deadline of a request

/// Returns the spec of "files.put", or nullptr if no workload has it.
const sim::OperationSpec* operation_spec(sim::WorkloadSpecs specs, std::string_view what);

const sim::NumberSpec* number_spec(const sim::OperationSpec& operation, std::string_view name);

/// Returns the smallest `amount` that a scenario may give. A swarm draws severe faults; a fault from a person, or a
/// fault that is being shrunk, may be as mild as possible. But zero is allowed only if a swarm may draw it.
std::int64_t amount_min(const sim::FaultSpec& spec);

/// Reads a scenario. Faults and operations are sorted by time, and at the same time keep the order of the file. Errors:
/// `malformed` with the first wrong line, and what is expected. The message repeats parts of the text, so escape it
/// before printing.
base::Outcome<sim::Scenario> read_scenario(std::string_view text, sim::WorkloadSpecs specs,
                                           const config::Table& settings);

/// Returns a text that reads back as the same scenario, below `about` as a comment.
std::string write_scenario(const sim::Scenario& scenario, sim::WorkloadSpecs specs, std::string_view about);

}  // namespace troupe::apps
