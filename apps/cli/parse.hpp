#pragma once
// Parses a command line with the table of commands. Keeps CLI11 in one source file.
#include <string>
#include <variant>
#include <vector>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// The user asked for help: for one command ("config show"), a group ("config"), or all (empty).
struct HelpWanted {
  std::string about;
};

using Parsed = std::variant<Invocation, HelpWanted>;

/// Parses `arguments` without the program's name. The table must outlive the result. Errors: usage failures, with the
/// nearest known name and the help to read.
base::Result<Parsed, Failure> parse(const Commands& table, const std::vector<std::string>& arguments);

/// Returns a typed text in quotes, shortened for an error.
std::string in_quotes(std::string_view text);
/// Whether an argument may have more than one value.
bool is_many(Arity arity);
/// Returns what is wrong with the values that were given for an option or an argument, or nullopt.
std::optional<std::string> fault(const Option& option, const std::vector<std::string>& given);
std::optional<std::string> fault(const Positional& positional, const std::vector<std::string>& given);

/// Whether --json is among the arguments, also if they cannot be parsed.
bool wants_json(const std::vector<std::string>& arguments);

}  // namespace troupe::apps
