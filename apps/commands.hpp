#pragma once
#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Every command of `troupe`, in the order of `troupe help`.
Commands commands();

}  // namespace troupe::apps
