#include "actors/fund/codec.hpp"

#include <algorithm>

#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"

namespace troupe::fund {
namespace {

/// Readers see an approved proposal as open.
std::optional<State> state_named(std::string_view text) {
  for (const State state : {State::open, State::paid, State::done, State::expired, State::refused})
    if (name(state) == text) return state;
  return std::nullopt;
}

}  // namespace

std::optional<Proposal> read(const BookId& book, wire::ProposalIs::Reader from) {
  const auto id = ProposalId::from(bytes_of(from.getId()));
  auto content = decode_content(bytes_of(from.getContent()));
  const auto by = Address::from(bytes_of(from.getBy()));
  const auto state = state_named(text_of(from.getState()));
  const auto transfer = wallet::TransferId::from(bytes_of(from.getTransfer()));
  if (!id || !content || !by || !state || id_of(book, *content) != *id ||
      from.getSigned().size() > wallet::kSignersMax || (!transfer && from.getTransfer().size() > 0))
    return std::nullopt;
  Proposal out{.id = *id,
               .content = std::move(*content),
               .by = *by,
               .proposed = UnixMs(from.getProposed()),
               .expires = UnixMs(from.getExpires()),
               .state = *state,
               .ended = UnixMs(from.getEnded()),
               .why = text_of(from.getWhy()),
               .transfer = transfer.value_or(wallet::TransferId{})};
  for (const auto one : from.getSigned()) {
    const auto signer = Address::from(bytes_of(one));
    if (!signer) return std::nullopt;
    out.signed_by.push_back(*signer);
  }
  return out;
}

void write(wire::ProposalIs::Builder to, const Proposal& proposal) {
  to.setId(data_of(proposal.id.view()));
  to.setContent(data_of(encode(proposal.content)));
  to.setBy(data_of(proposal.by.view()));
  to.setProposed(proposal.proposed.count());
  to.setExpires(proposal.expires.count());
  auto signers = to.initSigned(size32(proposal.signed_by));
  for (unsigned i = 0; i < signers.size(); ++i) signers.set(i, data_of(proposal.signed_by[i].view()));
  to.setState(std::string(name(proposal.state)));
  to.setEnded(proposal.ended.count());
  to.setWhy(proposal.why);
  if (proposal.state == State::paid) to.setTransfer(data_of(proposal.transfer.view()));
}

base::Outcome<std::optional<wallet::Approval>> read_by(wallet::wire::Approval::Reader from) {
  if (from.getKey().size() == 0 && from.getSignature().size() == 0) return std::optional<wallet::Approval>();
  const auto approval = wallet::read(from);
  if (!approval)
    return base::Error{base::Code::malformed,
                       "invalid approval: expected a key of 32 bytes and a signature of 64 bytes"};
  return approval;
}

}  // namespace troupe::fund
