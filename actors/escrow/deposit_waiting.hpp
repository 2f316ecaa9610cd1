#pragma once
// Who waits for the end of a deposit: of a party, of a provider's engagement, of an arbiter's bond.
//
// Limits  kDepositWaitingMax. Who asks again has mostly lost the answer to its question before: the oldest makes room.
#include <vector>

#include "runtime/base/error.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kDepositWaitingMax = 16;  // our choice

/// `One` is a reply, or is called with an error.
template <class One>
void wait_for_deposit(std::vector<One>& waiting, One one) {
  if (waiting.size() >= kDepositWaitingMax) {
    One oldest = std::move(waiting.front());
    waiting.erase(waiting.begin());
    const base::Error why{base::Code::overloaded, "others have asked since, and wait for this deposit: ask again"};
    if constexpr (requires { oldest.refuse(why); }) oldest.refuse(why);
    else oldest(why);
  }
  waiting.push_back(std::move(one));
}

}  // namespace troupe::escrow
