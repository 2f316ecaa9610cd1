#pragma once
// Callers that wait for the end of a deposit: of a party, of a provider's engagement, of an arbiter's bond.
//
// Limits  kDepositWaitingMax. The oldest caller is refused first: a repeated request mostly means that its answer was
//         lost.
#include <vector>

#include "runtime/base/error.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kDepositWaitingMax = 16;  // our choice

/// Adds `one`, which is a reply, or is called with an error.
template <class One>
void wait_for_deposit(std::vector<One>& waiting, One one) {
  if (waiting.size() >= kDepositWaitingMax) {
    One oldest = std::move(waiting.front());
    waiting.erase(waiting.begin());
    const base::Error why{base::Code::overloaded, "too many later requests wait for this deposit: ask again"};
    if constexpr (requires { oldest.refuse(why); }) oldest.refuse(why);
    else oldest(why);
  }
  waiting.push_back(std::move(one));
}

}  // namespace troupe::escrow
