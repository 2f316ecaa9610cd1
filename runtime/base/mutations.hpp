#pragma once
// Where a simulation can turn on a mutant, and where logic reports that a rare path was reached.
//
// Production passes `kNoMutations`: all mutants are off and rare paths are not recorded.
#include <string_view>

namespace troupe::base {

class Mutations {
 public:
  virtual ~Mutations() = default;

  /// Whether the mutant of this name is on. Always false outside `troupe sim mutants`.
  virtual bool on(std::string_view) const { return false; }

  /// Records that a path worth reaching was reached ("a torn tail was cut").
  virtual void sometimes(std::string_view) const {}
};

inline const Mutations kNoMutations;

}  // namespace troupe::base
