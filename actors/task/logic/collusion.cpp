#include "actors/task/logic/collusion.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "actors/task/logic/risk.hpp"
#include "runtime/base/random.hpp"

namespace troupe::task {
namespace {

class Model {
 public:
  explicit Model(const CollusionPlan& plan) : plan_(plan), random_(plan.seed), records_(plan.workers) {
    colluders_ = static_cast<std::size_t>(plan.colluding * static_cast<double>(plan.workers) + 0.5);
  }

  Collusion run() {
    Collusion out;
    for (std::size_t task = 0; task < plan_.warm_up + plan_.tasks; ++task) {
      given_.clear();
      const bool wrong = plan_.way == Way::first ? first() : trust();
      if (task < plan_.warm_up) continue;
      ++out.tasks;
      out.wrong += wrong;
      out.answers += given_.size();
    }
    return out;
  }

 private:
  struct Given {
    std::size_t worker;
    bool wrong;
  };
  /// Returns the result of a worker that has not answered yet.
  const Given& next() {
    std::size_t worker = 0;
    do worker = random_.below(plan_.workers);
    while (std::ranges::any_of(given_, [&](const Given& one) { return one.worker == worker; }));
    const bool lies = worker < colluders_ && (!plan_.behaves_first || records_[worker].row() >= kValidMin);
    return given_.emplace_back(Given{worker, lies});
  }
  bool first() {
    std::array<unsigned, 2> votes{};
    while (votes[0] < plan_.first_to && votes[1] < plan_.first_to) ++votes[next().wrong];
    return take(votes[1] == plan_.first_to);
  }
  bool trust() {
    const Given one = next();
    if (records_[one.worker].believed(random_.next())) return one.wrong;
    std::array<unsigned, 2> votes{};
    ++votes[one.wrong];
    while (votes[0] < 2 && votes[1] < 2) ++votes[next().wrong];
    return take(votes[1] == 2);
  }
  /// Accepts a result, and compares all others with it.
  bool take(bool wrong) {
    for (const Given& one : given_) {
      if (one.wrong == wrong) records_[one.worker].right();
      else records_[one.worker].wrong();
    }
    return wrong;
  }

  const CollusionPlan plan_;
  base::Random random_;
  std::size_t colluders_ = 0;
  std::vector<Record> records_;
  std::vector<Given> given_;
};

}  // namespace

Collusion collude(const CollusionPlan& plan) { return Model(plan).run(); }

}  // namespace troupe::task
