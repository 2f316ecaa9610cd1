#pragma once
// `troupe dht put --from FILE` and `troupe dht get KEY KEY…`: many values by few questions.
//
// Lines   of FILE: KEY, one space or tab, and the value to the end of the line. KEY is NAME, /kv/NAME or /cid. Empty
//         lines are skipped; one that is none of these ends the command, which names it by its number.
// Printed a line for each key, on standard output in the order in which the answers came; whatever failed on standard
//         error, with --json among the others. The exit is that of the Tally.
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/command.hpp"
#include "apps/cli/failure.hpp"

namespace troupe::apps::dht_command {

Ending put_many(const Invocation& invocation, Console& console, const std::string& file);
Ending get_many(const Invocation& invocation, Console& console, const std::vector<std::string>& keys);

/// What is wrong with a directory in place of a file that is to be read, or of standard input for "-".
std::optional<Failure> directory_as_input(const std::string& file);

}  // namespace troupe::apps::dht_command
