#pragma once
// Whether what clients saw of each key can be explained by one order of operations, each at one moment between its
// question and its answer (linearizability).
//
// Source  Wing & Gong, "Testing and verifying concurrent objects", 1993; Lowe, "Testing for linearizability", 2017:
//         the search over a list from which operations are lifted, and the cache of what was tried. Keys are
//         independent (Herlihy & Wing, 1990: locality), so each is searched alone.
// Lost    operations may take effect at any moment after their question, or never; refused ones are left out.
// Limits  kStatesMax states of one key; beyond it the verdict is `gave_up`, which is no proof of either.
// Cost    exponential in the operations of one key under way at once, at worst; linear for few.
#include <vector>

#include "runtime/sim/history.hpp"

namespace troupe::sim {

inline constexpr std::size_t kStatesMax = 4'000'000;  // our choice: some 500 MB at worst

enum class Verdict : std::uint8_t {
  holds,    ///< there is such an order
  broken,   ///< there is none
  gave_up,  ///< not found within the limit
};

struct Linearized {
  Verdict verdict = Verdict::holds;
  std::string key;  ///< the first, in their order, that does not hold; of `broken` and `gave_up`
  /// Of `broken`: the operation at which the longest explanation ends, in no way to be put after what came before it.
  std::optional<KeyOperation> unexplained;
};

/// Searches all keys; the worst verdict is the verdict. `initial` is every key's value before the history.
Linearized linearizable(const std::vector<KeyOperation>& history, const Value& initial = std::nullopt,
                        std::size_t states_max = kStatesMax);

}  // namespace troupe::sim
