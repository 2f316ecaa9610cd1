#include "actors/chain/logic/times.hpp"

namespace troupe::chain {

Times times_of(const Parameters& parameters) {
  const auto span = [&](Param param) { return UnixMs(parameters[param]); };
  return {.propose = span(Param::consensus_propose_ms),
          .prevote = span(Param::consensus_prevote_ms),
          .precommit = span(Param::consensus_precommit_ms),
          .precision = span(Param::block_precision_ms),
          .delay = span(Param::block_delay_ms)};
}

}  // namespace troupe::chain
