#pragma once
// A piece of evidence as commands print it: the accused validator, the height, and the offence.
#include <optional>
#include <string_view>

#include "actors/chain/logic/evidence.hpp"
#include "messages/output/chain.capnp.h"

namespace troupe::apps::chains {

/// Returns "votes" for two votes in one step, "proposals" for two proposals in one round.
std::string_view kind_name(const chain::Evidence& evidence);

void write_evidence(output::wire::ChainEvidence::Builder out, const chain::Evidence& evidence);

}  // namespace troupe::apps::chains
