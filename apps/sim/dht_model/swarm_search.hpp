#pragma once
// What swarm.cpp and swarm_search.cpp share.
#include "apps/sim/dht_model/swarm.hpp"

namespace troupe::dht::model {

inline constexpr std::size_t kSweptKeysMax = 64;  // as kRegionItemsMax: of one search of a sweep

struct Swarm::Search {
  std::uint64_t number;
  Member who;
  Lookup lookup;
  Ended ended;
  base::Instant ticks_at = base::Instant::max();  // the earliest tick on the agenda
  struct Heard {
    Contact whom;
    base::Duration took;  ///< zero: it did not answer
  };
  std::vector<Heard> heard{};
};

}  // namespace troupe::dht::model
