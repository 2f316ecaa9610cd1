#include "actors/task/counters.hpp"

namespace troupe::task {

observe::CounterTable table_of(const Counters& counters) {
  using observe::MetricType;
  return {
      {"troupe_task_open", "Tasks submitted here that have not ended.", MetricType::gauge, counters.open, "open"},
      {"troupe_task_running", "Attempts that are running here.", MetricType::gauge, counters.running, "running"},
      {"troupe_task_submitted_total", "Tasks submitted here.", MetricType::counter, counters.submitted, "submitted"},
      {"troupe_task_done_total", "Tasks submitted here that are done.", MetricType::counter, counters.done, "done"},
      {"troupe_task_failed_total", "Tasks submitted here that failed, were cancelled or expired.", MetricType::counter,
       counters.failed, "failed"},
      {"troupe_task_attempts_total", "Attempts begun here.", MetricType::counter, counters.attempts, "attempts"},
      {"troupe_task_turned_away_total", "Attempts declined here.", MetricType::counter, counters.turned_away,
       "turned_away"},
      {"troupe_task_checks_right_total", "Checks of other nodes with a right result.", MetricType::counter,
       counters.checks_right, "checks_right"},
      {"troupe_task_checks_wrong_total", "Checks of other nodes with a wrong result.", MetricType::counter,
       counters.checks_wrong, "checks_wrong"},
      {"troupe_task_checks_unanswered_total", "Checks of other nodes without a result.", MetricType::counter,
       counters.checks_unanswered, "checks_unanswered"},
  };
}

}  // namespace troupe::task
