#pragma once
// Draws the model: a status line, the view, a line for notices and input, a line of keys.
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

inline constexpr int kColumnGap = 2;
/// Returns the width of each column of a table if nothing is cut.
std::vector<int> whole_widths(const Content& shown);
/// Returns the width of each column on the screen; zero: it is hidden.
std::vector<int> column_widths(const Model& model, const Content& shown);
/// `ascii`: replace our own characters beyond ASCII.
Grid draw(const Model& model, bool ascii = false);

}  // namespace troupe::apps::screens
