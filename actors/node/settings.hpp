#pragma once
// The settings of the root of a node.
#include "runtime/config/setting.hpp"

namespace troupe::node {

inline constexpr auto kNodeName =
    config::text("node.name", "", 64, config::When::start, "name for people; empty: the name of the host");

}  // namespace troupe::node
