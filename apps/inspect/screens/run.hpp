#pragma once
// `troupe inspect` on a terminal: the loop between feed, model and terminal.
#include "apps/cli/command.hpp"

namespace troupe::apps::screens {

/// Shows the nodes until the user quits.
Ending run(const Invocation& invocation, Console& console);

}  // namespace troupe::apps::screens
