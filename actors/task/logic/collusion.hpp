#pragma once
// What it costs to keep the wrong answers of colluding workers out, and how many get through: a model of many tasks
// without nodes, messages and time.
//
// Workers  a share of them collude: they give the same wrong answer to each task, or behave until they are believed
//          (Record) and lie then. The others are right. Who works is drawn anew for each answer, among those who have
//          not answered this task.
// Ways     `first`: the answer that was given m times is taken. `trust`: one answer is enough of a worker who is
//          believed, else two equal ones of any workers; records follow from what was taken.
#include <cstddef>
#include <cstdint>

namespace troupe::task {

enum class Way : std::uint8_t { first, trust };

struct CollusionPlan {
  Way way = Way::first;
  unsigned first_to = 1;       ///< of Way::first
  double colluding = 0;        ///< share of the workers
  bool behaves_first = false;  ///< colluders behave until they are believed
  std::size_t workers = 150;
  std::size_t tasks = 30'000;
  std::size_t warm_up = 0;  ///< tasks before those that count
  std::uint64_t seed = 1;
};

struct Collusion {
  std::uint64_t wrong = 0, answers = 0;
  std::size_t tasks = 0;
  double wrong_share() const { return static_cast<double>(wrong) / static_cast<double>(tasks); }
  /// Answers beyond one of each task, per task.
  double overhead() const { return static_cast<double>(answers) / static_cast<double>(tasks) - 1; }
};

Collusion collude(const CollusionPlan& plan);

}  // namespace troupe::task
