#pragma once
// How many equal answers are enough, where some of the workers collude.
//
// Race    answers come one after the other, until one was given m times. A share `dishonest` of all workers gives the
//         same wrong answer, the others the right one. That the wrong one is first has the probability
//             sum over k = 0 to m - 1 of  C(m - 1 + k, k) · dishonest^m · (1 - dishonest)^k
//         (Sarmenta, "Sabotage-Tolerance Mechanisms for Volunteer Computing Systems", 2002, m-first voting).
// Trust   as BOINC has it ("adaptive replication"): who gave kValidMin right answers in a row, or more, is believed
//         without a second worker, but for one task in as many as there were, at most kValidMax.
#include <cstdint>
#include <optional>

namespace troupe::task {

inline constexpr std::uint32_t kValidMin = 10, kValidMax = 20;

/// That m-first voting ends with the wrong answer. `dishonest` is 0 to 1.
double wrong_of(unsigned m, double dishonest);

/// The smallest m for which wrong_of() is at most `risk`; nothing if none up to `most` is.
std::optional<unsigned> first_to(double risk, double dishonest, unsigned most);

/// What is known of a worker's answers.
class Record {
 public:
  Record() = default;
  explicit Record(std::uint32_t row) : row_(row) {}
  void right() { row_ = row_ < kValidMax ? row_ + 1 : kValidMax; }
  void wrong() { row_ = 0; }
  /// `draw` is a fresh random number.
  bool believed(std::uint64_t draw) const { return row_ >= kValidMin && draw % row_ != 0; }
  std::uint32_t row() const { return row_; }

 private:
  std::uint32_t row_ = 0;
};

}  // namespace troupe::task
