#include "actors/task/logic/risk.hpp"

#include <cmath>

namespace troupe::task {

double wrong_of(unsigned m, double dishonest) {
  double term = std::pow(dishonest, m), sum = 0;
  for (unsigned k = 0; k < m; ++k) {
    sum += term;
    term *= (1 - dishonest) * (m + k) / (k + 1);
  }
  return sum;
}

std::optional<unsigned> first_to(double risk, double dishonest, unsigned most) {
  for (unsigned m = 1; m <= most; ++m)
    if (wrong_of(m, dishonest) <= risk) return m;
  return std::nullopt;
}

}  // namespace troupe::task
