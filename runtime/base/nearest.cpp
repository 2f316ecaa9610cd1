#include "runtime/base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace troupe::base {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kComparedBytesMax);
  b = b.substr(0, kComparedBytesMax);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view typed, std::span<const std::string_view> known) {
  const auto best = std::min_element(known.begin(), known.end(), [&](std::string_view a, std::string_view b) {
    return edit_distance(typed, a) < edit_distance(typed, b);
  });
  return best == known.end() ? std::string_view{} : *best;
}

}  // namespace troupe::base
