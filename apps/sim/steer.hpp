#pragma once
// Actions of a person on a watched world, as changes of its scenario: so the new world can be replayed like any other.
//
// Changes take effect a nanosecond after `now`: all events until then are the same as before.
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

/// "cut n1 n2" cuts the network between two nodes until the scenario's faults end, "cut n1 n2 5s" for that long; "heal
/// n1 n2" ends cuts of the two, including cuts in the scenario. Marks what it adds or changes `by_hand`. Errors:
/// `malformed`, `conflict` if there is nothing to heal, the faults have ended or are too many; nothing has changed
/// then.
base::Outcome<void> steer(sim::Scenario& scenario, std::string_view act, base::Duration now);

}  // namespace troupe::apps
