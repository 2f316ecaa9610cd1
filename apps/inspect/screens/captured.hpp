#pragma once
// What the screens know of a live node, as JSON for reading: the output CapturedNode.
#include <string>

#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

/// Of the node shown.
std::string captured(const Model& model);

/// `typed`, or a name after the node: "anna.capture".
std::string capture_file(const std::string& typed, const Model& model);

}  // namespace troupe::apps::screens
