#include "actors/fund/fund_actor.hpp"

#include "actors/fund/state_actor.hpp"
#include "actors/fund/words.hpp"

namespace troupe::fund {
namespace {

using base::Code;

/// Whether the question is one of the owner, who signs nothing.
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
    return base::Error{Code::overloaded, "other nodes propose and sign as often as this fund takes of them", *wait};
  try {
    const bool as_owner = unsigned_one<wire::Propose>(question) || unsigned_one<wire::SignProposal>(question);
    if (!as_owner || operator_of_the_place()) return std::nullopt;
  } catch (const kj::Exception&) {
    return base::Error{Code::malformed, "the question cannot be read"};
  }
  return base::Error{Code::refused,
                     "without a signature the owner of the book acts, at the local socket of the book's node, or of a "
                     "member"};
}

}  // namespace troupe::fund
