#pragma once
// The commands of `troupe fund` that have their own source file; fund.cpp names them all.
#include "actors/fund/codec.hpp"
#include "apps/wallet/book.hpp"
#include "messages/output/fund.capnp.h"

namespace troupe::apps {

using FundCommand = Ending(const Invocation&, Console&);
FundCommand fund_show, fund_list, fund_propose, fund_sign, fund_report, fund_verify;

namespace funds {

/// A fund as its node shows it, with its parts checked.
struct Seen {
  wallet::BookId book;
  wallet::Address owner;
  fund::Signers signers;
  wallet::Amount daily_cap, spent_today;
  std::map<std::string, fund::Allocation> allocations{};
  std::uint64_t sequence = 0;
  base::Digest head;
};
Client::Outcome<Seen> fund_seen(Client& client);

/// Reads a proposal; checks only what read() checks.
Client::Outcome<fund::Proposal> read_proposal(const wallet::BookId& book, fund::wire::ProposalIs::Reader from);
/// Returns all proposals, latest first.
Client::Outcome<std::vector<fund::Proposal>> proposals_of(Client& client, const wallet::BookId& book);

void write_proposal(output::wire::FundProposal::Builder out, const fund::Proposal& proposal);
/// Returns "100 to tro1…", or the new signers.
std::string what_text(const fund::Proposal& proposal);

}  // namespace funds
}  // namespace troupe::apps
