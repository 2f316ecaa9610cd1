#pragma once
// How many equal results are enough if some workers collude.
//
// Race    results come one after the other, until one was given m times. A share `dishonest` of all workers gives the
//         same wrong result, the other workers give the right one. The probability that the wrong result is first:
//             sum over k = 0 to m - 1 of  C(m - 1 + k, k) · dishonest^m · (1 - dishonest)^k
//         (Sarmenta, "Sabotage-Tolerance Mechanisms for Volunteer Computing Systems", 2002, m-first voting).
// Trust   as BOINC's "adaptive replication": a worker with at least kValidMin right results in a row is trusted without
//         a second worker. One task in n is still compared; n is its number of right results in a row, at most
//         kValidMax.
#include <cstdint>
#include <optional>

namespace troupe::task {

inline constexpr std::uint32_t kValidMin = 10, kValidMax = 20;

/// Returns the probability that m-first voting ends with the wrong result. `dishonest` is 0 to 1.
double wrong_of(unsigned m, double dishonest);

/// Returns the smallest m for which wrong_of() is at most `risk`, or nullopt if no m up to `most` is enough.
std::optional<unsigned> first_to(double risk, double dishonest, unsigned most);

/// A worker's record of right results.
class Record {
 public:
  Record() = default;
  explicit Record(std::uint32_t row) : row_(row) {}
  void right() { row_ = row_ < kValidMax ? row_ + 1 : kValidMax; }
  void wrong() { row_ = 0; }
  /// Returns whether the worker is trusted for a task. `draw` is a fresh random number.
  bool believed(std::uint64_t draw) const { return row_ >= kValidMin && draw % row_ != 0; }
  std::uint32_t row() const { return row_; }

 private:
  std::uint32_t row_ = 0;
};

}  // namespace troupe::task
