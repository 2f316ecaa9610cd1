#pragma once
// `troupe` as a user runs it, for figures of whole commands.
#include <string>
#include <vector>

#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// How a command ended, and how long it took. What it printed is thrown away.
struct Ran {
  bool done = false;  ///< with exit 0
  double seconds = 0;
};
/// `words` begin behind "troupe".
Ran run_troupe(Runner& runner, std::vector<std::string> words);
/// Whether it ends with 0; for what is asked until it is so. Its errors are thrown away too.
bool troupe_agrees(Runner& runner, std::vector<std::string> words);

}  // namespace troupe::bench
