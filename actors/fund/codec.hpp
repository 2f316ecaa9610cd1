#pragma once
// Encodes and decodes the fund's messages.
#include "actors/fund/logic/fund.hpp"
#include "messages/fund.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::fund {

/// Returns the proposal, with its id computed from its content, or nullopt if a part breaks its format.
std::optional<Proposal> read(const BookId& book, wire::ProposalIs::Reader from);
void write(wire::ProposalIs::Builder to, const Proposal& proposal);

/// Returns the approval, without checking its signature, or nullopt if it is empty: then the owner acts.
base::Outcome<std::optional<wallet::Approval>> read_by(wallet::wire::Approval::Reader from);

}  // namespace troupe::fund
