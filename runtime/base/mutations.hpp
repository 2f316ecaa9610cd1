#pragma once
// Where a simulation may plant a bug, and where logic says that something rare has happened.
//
// Production hands in `kNoMutations`: no bug is planted and rare events are not noted.
#include <string_view>

namespace troupe::base {

class Mutations {
 public:
  virtual ~Mutations() = default;

  /// Whether the planted bug of this name is on. Always false outside `troupe sim mutants`.
  virtual bool on(std::string_view) const { return false; }

  /// Notes that a path worth reaching was reached ("a torn tail was cut").
  virtual void sometimes(std::string_view) const {}
};

inline const Mutations kNoMutations;

}  // namespace troupe::base
