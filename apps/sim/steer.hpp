#pragma once
// Acts of a person on a watched world, as changes of its scenario: so the world that comes of them is replayed as any.
//
// What is changed comes into force a nanosecond after `now`: all events until then are those of the world before.
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

/// "cut n1 n2" lets nothing through between two nodes until the scenario's faults end, "cut n1 n2 5s" for that long;
/// "heal n1 n2" ends cuts of the two, also those that the scenario had. Marks what it adds or changes `by_hand`.
/// Errors: `malformed`, `conflict` if there is nothing to heal, the faults have ended or are too many; nothing has
/// changed.
base::Outcome<void> steer(sim::Scenario& scenario, std::string_view act, base::Duration now);

}  // namespace troupe::apps
