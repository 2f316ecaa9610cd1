#pragma once
// A scenario as a TOML file that a person reads and writes: README.md of tests/scenarios shows the form.
//
// Nodes   are "n1" and on in a file, as reports count them, and 0 and on inside.
// Words   an operation is an `order` in a file, and in what is said about the file.
// Ranges  each number is checked against the spec of its fault or operation; what a spec does not know is refused: a
//         scenario whose domain has changed fails aloud rather than tests something else.
// Knobs   are settings of every node, but for kWorldSettings, which a world gives each of its nodes itself.
// Limits  kScenarioBytesMax, those of runtime/sim/scenario.hpp, and the nesting of runtime/config/toml_shape.hpp.
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/config/setting.hpp"
#include "runtime/sim/scenario.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

inline constexpr std::size_t kScenarioBytesMax = 16 << 20;  // what kOperationsMax and kFaultsMax take when written
inline constexpr std::array<std::string_view, 4> kWorldSettings{"listen", "join", "identity.work_bits", "log.level"};
inline constexpr std::size_t kHeaderBytesMax = 4'096;  // of the comment; our choice: one screen
inline constexpr std::chrono::minutes kLatencyMax{1};  // our choice: longer than any deadline of a question

/// The spec of "files.put"; nothing if none of them has it.
const sim::OperationSpec* operation_spec(sim::WorkloadSpecs specs, std::string_view what);

const sim::NumberSpec* number_spec(const sim::OperationSpec& operation, std::string_view name);

/// The least that a scenario may say as `amount`. A swarm draws hard faults; one that a person writes, or that is being
/// shrunk, may be as soft as it likes, but zero has a meaning only where a swarm draws it.
std::int64_t amount_min(const sim::FaultSpec& spec);

/// Faults and operations come sorted by time; those at one moment keep the order of the file.
/// Errors: `malformed` with the first line that is wrong, and what would be right. It repeats what the text says:
/// escape it before printing.
base::Outcome<sim::Scenario> read_scenario(std::string_view text, sim::WorkloadSpecs specs,
                                           const config::Table& settings);

/// What reads back to the same scenario, below `about` as a comment.
std::string write_scenario(const sim::Scenario& scenario, sim::WorkloadSpecs specs, std::string_view about);

}  // namespace troupe::apps
