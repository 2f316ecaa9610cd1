#pragma once
// A scenario as a TOML file that a person reads and writes: README.md of tests/scenarios shows the form.
//
// Nodes   are "n1" and on in a file, as reports count them, and 0 and on inside.
// Ranges  each number is checked against the card of its fault or order; what a card does not know is refused, so that
//         a scenario whose domain has changed fails aloud rather than tests something else.
// Knobs   are settings of every node, but for kWorldSettings, which a world gives each of its nodes itself.
// Limits  kScenarioBytesMax, those of runtime/sim/scenario.hpp, and the nesting of runtime/config/toml_shape.hpp.
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/config/setting.hpp"
#include "runtime/sim/domain.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

inline constexpr std::size_t kScenarioBytesMax = 16 << 20;  // what kOrdersMax and kFaultsMax take when written
inline constexpr std::array<std::string_view, 4> kWorldSettings{"listen", "join", "identity.work_bits", "log.level"};
inline constexpr std::size_t kHeaderBytesMax = 4'096;  // of the comment; our choice: one screen
inline constexpr std::chrono::minutes kLatencyMax{1};  // our choice: longer than any deadline of a question

using Cards = std::span<const sim::DomainCard* const>;

/// The card of "files.put"; nothing if none of them has it.
const sim::OrderCard* order_card(Cards cards, std::string_view what);

const sim::NumberCard* number_card(const sim::OrderCard& order, std::string_view name);

/// The least that a scenario may say as `amount`. A swarm draws hard faults; one that a person writes, or that is being
/// shrunk, may be as soft as it likes, but zero has a meaning only where a swarm draws it.
std::int64_t amount_min(const sim::FaultCard& card);

/// Faults and orders come sorted by time; those at one moment keep the order of the file.
/// Errors: `malformed` with the first line that is wrong, and what would be right. It repeats what the text says:
/// whoever prints it escapes it.
base::Outcome<sim::Scenario> read_scenario(std::string_view text, Cards cards, const config::Table& settings);

/// What reads back to the same scenario, below `about` as a comment.
std::string write_scenario(const sim::Scenario& scenario, Cards cards, std::string_view about);

}  // namespace troupe::apps
