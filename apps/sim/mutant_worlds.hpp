#pragma once
// The worlds in which each mutant (planted bug) of a domain was detected: tests/scenarios/mutants/NAME.txt.
//
// Format  one line per mutant: its name, its seeds, the invariants that detected it, with commas between the items of a
//         list; then `night` if its worlds are too slow for every test run. A line that begins with # is a comment.
#include <cstdint>
#include <string>
#include <vector>

#include "apps/cli/failure.hpp"
#include "runtime/base/result.hpp"

namespace troupe::apps {

inline constexpr std::size_t kMutantWorlds = 3;  // our choice: a change may hide the mutant in two of them

struct MutantWorlds {
  std::string mutant;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> by;  ///< invariants
  bool night = false;
};

/// Reads a file of recorded worlds. Errors: the file cannot be read, or a line is malformed.
base::Result<std::vector<MutantWorlds>, Failure> read_mutant_worlds(const std::string& path);

/// Returns a line of such a file, with its end.
std::string mutant_worlds_line(const MutantWorlds& one);
/// Returns the text of such a file.
std::string mutant_worlds_text(const std::vector<MutantWorlds>& all);

}  // namespace troupe::apps
