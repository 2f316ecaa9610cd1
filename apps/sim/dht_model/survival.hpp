#pragma once
// The survival curve: the probability that a record is found after weeks of sessions.
//
// Same      Held decides what a node stores and until when, Republish when the owner publishes a record again,
//           stores_needed() whether that succeeded; plan.copies nodes store the record.
// Left out  searches: a store reaches the nearest live nodes, and a get finds the record if one of them stores it.
//           churn.hpp measures the extra losses of searches.
// Nodes     come and go at exponentially distributed times. With `comes_back` a node returns with its disk, after an
//           absence as long as its session, until it leaves for good after about `life`; otherwise a new node replaces
//           it at once. Owners stay up, because a record whose owner is away by design lasts only for HeldLimits::hold.
#include <vector>

#include "apps/sim/dht_model/ratio.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht::model {

struct SurvivalPlan {
  std::size_t copies = 20;
  base::Duration republish = std::chrono::hours(22);
  base::Duration session = std::chrono::hours(1);
  bool comes_back = true;
  base::Duration life = std::chrono::hours(24 * 14);   ///< of a returning node, from its first start to its last
  base::Duration weeks = std::chrono::hours(24 * 28);  ///< observed time, of which the first three days do not count
  std::size_t nodes = 1'000;                           ///< up on average
  std::size_t records = 200;
  std::size_t probes = 20'000;
  std::uint64_t seed = 1;
};

struct Survival {
  Ratio found;
  double stores_a_day = 0;  ///< per record: the cost of its survival
};

Survival survive(const SurvivalPlan& plan);

}  // namespace troupe::dht::model
