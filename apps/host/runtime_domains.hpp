#pragma once
// The actors of the runtime that stand at the top of a node, as specs: the store, the links, the datagrams. Their
// settings are those of the runtime (runtime/config/known.hpp).
#include "actors/node/api.hpp"

namespace troupe::apps {

const node::DomainSpec& store_domain();
const node::DomainSpec& links_domain();
const node::DomainSpec& datagrams_domain();

}  // namespace troupe::apps
