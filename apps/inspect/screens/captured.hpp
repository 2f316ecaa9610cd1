#pragma once
// Writes the screens' data about a live node as readable JSON: the output CapturedNode.
#include <string>

#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

/// Returns the data of the node shown.
std::string captured(const Model& model);

/// Returns `typed`, or if it is empty a name made from the node's name: "anna.capture".
std::string capture_file(const std::string& typed, const Model& model);

}  // namespace troupe::apps::screens
