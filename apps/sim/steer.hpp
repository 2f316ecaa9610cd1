#pragma once
// Actions of a person on a watched world, as changes of its scenario, so that the new world can be replayed too.
//
// Changes take effect a nanosecond after `now`: all events until then are the same as before.
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

/// Changes the scenario by `act`: "cut n1 n2" cuts the network between two nodes until the scenario's faults end, "cut
/// n1 n2 5s" for 5 s; "heal n1 n2" ends all cuts between the two, including cuts in the scenario. Added or changed
/// faults are marked `by_hand`. Errors, after which nothing has changed: `malformed`; `conflict` if there is nothing to
/// heal, the faults have ended, or there are too many faults.
base::Outcome<void> steer(sim::Scenario& scenario, std::string_view act, base::Duration now);

}  // namespace troupe::apps
