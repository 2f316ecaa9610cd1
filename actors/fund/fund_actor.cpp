#include "actors/fund/fund_actor.hpp"

#include "actors/fund/codec.hpp"
#include "actors/fund/state_actor.hpp"

namespace troupe::fund {
namespace {

using base::Code;

/// Returns whether the request is unsigned, which only the owner may send.
template <class Question>
bool unsigned_one(const runtime::Envelope& question) {
  if (question.kind() != &messages::kind_of<Question>()) return false;
  runtime::Envelope::Reading<Question> reading(question);
  const auto by = read_by(reading.root().getBy());
  return by.ok() && !by.value();
}

}  // namespace

void FundActor::receive(runtime::Handlers& on) {
  receive_home(on);
  on.describe<wire::FundState>([this](wire::FundState::Builder state) {
    state.setPlace(settings_.book.text());
    state.setHere(seat().here());
    state.setWhy(gateway().why());
  });
}

void FundActor::publish() {
  node()
      .publish<wire::GetFund, wire::Propose, wire::SignProposal, wire::GetProposal, wire::ListProposals,
               wire::ListEntries>(kPath, self());
}

runtime::Handle FundActor::begin_child(const std::string& name) {
  return spawn<StateActor>(name, StateActor::Setup{settings_, seat().place(), seat().term()});
}

std::optional<base::Error> FundActor::refusal(const runtime::Envelope& question) {
  if (const auto wait = order_wait(question))
    return base::Error{Code::overloaded, "the limit of fund proposals and signatures from other nodes is reached",
                       *wait};
  try {
    const bool as_owner = unsigned_one<wire::Propose>(question) || unsigned_one<wire::SignProposal>(question);
    if (!as_owner || operator_of_the_place()) return std::nullopt;
  } catch (const kj::Exception&) {
    return base::Error{Code::malformed, "the request cannot be decoded"};
  }
  return base::Error{Code::refused,
                     "an unsigned request is accepted only from the owner of the book, at the local socket of the "
                     "book's node or of a member of its group"};
}

}  // namespace troupe::fund
