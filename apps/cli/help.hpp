#pragma once
// Help, the manual and completion, from the table of commands.
#include <string>
#include <string_view>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Returns the usage in one line: "troupe config check FILE [--strict] …".
std::string usage(const Command& command);

/// Prints help for a command, for the commands of a group, or for all if `about` is empty. Returns false and prints
/// nothing if no command has that name.
bool print_help(std::ostream& out, const Commands& table, std::string_view about);

/// Prints help for a command, without the options of all commands.
void print_entry(std::ostream& out, const Command& command);

/// Prints troupe(1) in the man macros.
void print_manual(std::ostream& out, const Commands& table, std::string_view version);

// These return scripts that complete `troupe` in a shell.
std::string bash_completion(const Commands& table);
std::string zsh_completion(const Commands& table);
std::string fish_completion(const Commands& table);

/// Returns the options that every command takes.
const std::vector<Option>& global_options();

}  // namespace troupe::apps
