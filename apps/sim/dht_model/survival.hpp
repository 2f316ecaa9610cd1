#pragma once
// The survival curve: after weeks of sessions, how probable is it that a record is found?
//
// Same      Held says what a node holds and until when, Republish when its owner publishes it again, stores_needed()
//           whether that succeeded; as many nodes hold it as plan.copies.
// Left out  searches: a store reaches the nodes nearest to the key that are up, and a get finds what one
//           of them holds. What searches cost beside that is the figure of churn.hpp.
// Nodes     come and go by exponential times. With `comes_back` a node returns with its disk after an absence as long
//           as its session, until it is gone for good after about `life`; without, another takes its place at once.
//           Owners stay up: a record whose owner is away lasts for HeldLimits::hold and no longer, by intention.
#include <vector>

#include "apps/sim/dht_model/ratio.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht::model {

struct SurvivalPlan {
  std::size_t copies = 20;
  base::Duration republish = std::chrono::hours(22);
  base::Duration session = std::chrono::hours(1);
  bool comes_back = true;
  base::Duration life = std::chrono::hours(24 * 14);   ///< of a node that comes back, from its first start to its last
  base::Duration weeks = std::chrono::hours(24 * 28);  ///< what is watched, of which the first three days do not count
  std::size_t nodes = 1'000;                           ///< up on average
  std::size_t records = 200;
  std::size_t probes = 20'000;
  std::uint64_t seed = 1;
};

struct Survival {
  Ratio found;
  double stores_a_day = 0;  ///< of one record: what its survival costs
};

Survival survive(const SurvivalPlan& plan);

}  // namespace troupe::dht::model
