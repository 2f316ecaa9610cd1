#pragma once
// Runs `troupe` as a user does, for figures of whole commands.
#include <string>
#include <vector>

#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// How a command ended, and how long it took. Its output is discarded.
struct Ran {
  bool done = false;  ///< it ended with exit 0
  double seconds = 0;
};
/// `words` are the arguments after "troupe".
Ran run_troupe(Runner& runner, std::vector<std::string> words);
/// Runs `troupe`, and returns whether it exits with 0: to repeat a command until it does. Its errors are discarded too.
bool troupe_agrees(Runner& runner, std::vector<std::string> words);

}  // namespace troupe::bench
