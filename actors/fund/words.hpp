#pragma once
// Proposals as messages carry them.
#include "actors/fund/logic/fund.hpp"
#include "messages/fund.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::fund {

/// As the book has it: its id is that of its content. Nothing if a part breaks its format.
std::optional<Proposal> read(const BookId& book, wire::ProposalIs::Reader from);
void write(wire::ProposalIs::Builder to, const Proposal& proposal);

/// Who asks. Nothing is said of the signature yet. An approval without fields is that of the owner: nothing.
base::Outcome<std::optional<wallet::Approval>> read_by(wallet::wire::Approval::Reader from);

}  // namespace troupe::fund
