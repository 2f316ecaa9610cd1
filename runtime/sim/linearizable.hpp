#pragma once
// Checks linearizability: whether, for each key, one order of operations explains the results, with each operation at
// one moment between its request and its response.
//
// Source  Wing & Gong, "Testing and verifying concurrent objects", 1993; Lowe, "Testing for linearizability", 2017: the
//         search over a list from which operations are lifted, and the cache of tried states. Keys are independent
//         (Herlihy & Wing, 1990: locality), so each is searched separately.
// Lost    operations may take effect at any moment after their request, or never; refused operations are left out.
// Limits  kStatesMax states per key; beyond it the verdict is `gave_up`, which proves nothing.
// Cost    at worst exponential in the concurrent operations of one key; linear for few.
#include <vector>

#include "runtime/sim/history.hpp"

namespace troupe::sim {

inline constexpr std::size_t kStatesMax = 4'000'000;  // our choice: some 500 MB at worst

enum class Verdict : std::uint8_t {
  holds,    ///< such an order exists
  broken,   ///< no such order exists
  gave_up,  ///< not found within the limit
};

struct Linearized {
  Verdict verdict = Verdict::holds;
  std::string key;  ///< for `broken` and `gave_up`: the first key, in key order, that fails
  /// For `broken`: the operation that cannot follow the longest order that explains the operations before it.
  std::optional<KeyOperation> unexplained;
};

/// Checks all keys and returns the worst verdict. `initial` is every key's value before the history.
Linearized linearizable(const std::vector<KeyOperation>& history, const Value& initial = std::nullopt,
                        std::size_t states_max = kStatesMax);

}  // namespace troupe::sim
