#pragma once
// Scripts that complete `troupe` in a shell, from the table of commands.
#include <string>

#include "apps/cli/command.hpp"

namespace troupe::apps {

std::string bash_completion(const Commands& table);
std::string zsh_completion(const Commands& table);
std::string fish_completion(const Commands& table);

}  // namespace troupe::apps
