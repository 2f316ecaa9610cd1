#pragma once
// A model of how many wrong results colluding workers get accepted, and what it costs to keep them out. It runs many
// tasks without nodes, messages and time.
//
// Workers  a share of them colludes: they give the same wrong result to each task, or behave until they are trusted
//          (Record) and then lie. The other workers are right. Each result comes from a random worker that has not
//          answered this task yet.
// Ways     `first`: accepts the result that was given m times. `trust`: accepts one result of a trusted worker,
//          otherwise two equal results of any workers. Records follow from the accepted results.
#include <cstddef>
#include <cstdint>

namespace troupe::task {

enum class Way : std::uint8_t { first, trust };

struct CollusionPlan {
  Way way = Way::first;
  unsigned first_to = 1;       ///< for Way::first
  double colluding = 0;        ///< share of all workers
  bool behaves_first = false;  ///< colluders behave until they are trusted
  std::size_t workers = 150;
  std::size_t tasks = 30'000;
  std::size_t warm_up = 0;  ///< tasks before the counted ones
  std::uint64_t seed = 1;
};

struct Collusion {
  std::uint64_t wrong = 0, answers = 0;
  std::size_t tasks = 0;
  double wrong_share() const { return static_cast<double>(wrong) / static_cast<double>(tasks); }
  /// Returns the number of results per task, minus one.
  double overhead() const { return static_cast<double>(answers) / static_cast<double>(tasks) - 1; }
};

Collusion collude(const CollusionPlan& plan);

}  // namespace troupe::task
