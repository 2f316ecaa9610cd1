#pragma once
// Draws the model: one line of state, the view, one line that was said or is typed, one line of keys.
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

inline constexpr int kColumnGap = 2;
/// The width of each column of a table if nothing is cut.
std::vector<int> whole_widths(const Content& shown);
/// The width of each column on the screen; zero: it is hidden.
std::vector<int> column_widths(const Model& model, const Content& shown);
/// `ascii`: no character beyond ASCII of our own.
Grid draw(const Model& model, bool ascii = false);

}  // namespace troupe::apps::screens
