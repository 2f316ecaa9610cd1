#pragma once
// Help, the manual and completion, from the table of commands.
#include <string>
#include <string_view>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// "troupe config check FILE [--strict] …", one line.
std::string usage(const Command& command);

/// Help for a command, for the commands of a group, or for all if `about` is empty.
/// False, and nothing is printed, if nothing has that name.
bool print_help(std::ostream& out, const Commands& table, std::string_view about);

/// Prints help for a command, without the options of all commands.
void print_entry(std::ostream& out, const Command& command);

/// troupe(1) in the man macros.
void print_manual(std::ostream& out, const Commands& table, std::string_view version);

// Scripts that complete `troupe` in a shell.
std::string bash_completion(const Commands& table);
std::string zsh_completion(const Commands& table);
std::string fish_completion(const Commands& table);

/// The options that every command takes.
const std::vector<Option>& global_options();

}  // namespace troupe::apps
