#pragma once
// The commands of `troupe reputation`; reputation.cpp names them all.
#include <map>

#include "actors/reputation/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps {

Ending reputation_show(const Invocation& invocation, Console& console);
Ending reputation_report(const Invocation& invocation, Console& console);

namespace reputations {

struct Standing {
  reputation::Thousandths score = reputation::kStart;
  std::uint32_t events = 0;
};
/// Scores of all nodes whose behaviour this node has seen; other nodes have kStart.
using Standings = std::map<base::NodeId, Standing>;
Client::Outcome<Standings> standings(Client& client);
/// Returns the score in points.
int points_of(const Standings& all, const base::NodeId& node);

}  // namespace reputations
}  // namespace troupe::apps
