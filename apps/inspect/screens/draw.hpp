#pragma once
// Draws the model: one line of state, the view, one line that was said or is typed, one line of keys.
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

/// `ascii`: no character beyond ASCII of our own.
Grid draw(const Model& model, bool ascii = false);

}  // namespace troupe::apps::screens
