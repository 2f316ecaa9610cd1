#pragma once
// Draws the model: a status line, the view, a line for notices and input, a line of keys.
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

inline constexpr int kColumnGap = 2;
/// Returns the width that each column of a table needs so that nothing is cut.
std::vector<int> whole_widths(const Content& shown);
/// Returns the width of each column on the screen; zero: the column is hidden.
std::vector<int> column_widths(const Model& model, const Content& shown);
/// Draws the whole screen. `ascii`: replace our own characters beyond ASCII.
Grid draw(const Model& model, bool ascii = false);

}  // namespace troupe::apps::screens
