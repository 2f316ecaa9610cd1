#pragma once
// A piece of evidence as commands print it: who is accused, of which height, and of what.
#include <optional>
#include <string_view>

#include "actors/chain/logic/evidence.hpp"
#include "messages/output/chain.capnp.h"

namespace troupe::apps::chains {

/// votes: two votes of one step; proposals: two proposals of one round.
std::string_view kind_name(const chain::Evidence& evidence);

void write_evidence(output::wire::ChainEvidence::Builder out, const chain::Evidence& evidence);

}  // namespace troupe::apps::chains
