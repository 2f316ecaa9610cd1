#pragma once
// Assembles a node: makes links and domains from its settings and ports.
//
// A process (`troupe node`) or a simulation (`troupe sim`) creates the ports, the identity and the Node, and passes the
// rest to these functions.
#include <memory>
#include <string>
#include <vector>

#include "actors/node/node_actor.hpp"
#include "apps/host/domains.hpp"
#include "runtime/net/datagrams.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::apps {

/// Returns the settings of a node's actors, before the node exists.
runtime::NodeLimits node_limits(const config::Settings& settings);

/// Returns the settings of links.
net::NetSetup net_setup(const config::Settings& settings, std::shared_ptr<const crypto::Identity> identity);

/// Returns the domains of a node, in the order of their specs. The log must know their names.
std::vector<node::Domain> compose(const node::DomainParts& parts, const DomainSpecs& specs = domains());

/// Returns the setup of the node's root actor; `serving` and `drained` are left to the caller.
node::NodeActor::Setup root_setup(const node::DomainParts& parts, std::vector<node::Domain> made, std::string name);

}  // namespace troupe::apps
