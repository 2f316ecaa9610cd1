#include "actors/fund/fund_actor.hpp"

#include "actors/fund/state_actor.hpp"
#include "actors/fund/words.hpp"

namespace troupe::fund {
namespace {

using base::Code;

constexpr std::chrono::seconds kOrderAgain{1};  // our choice: a longer wait is a share that is used up now

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
  if (const auto wait = too_much(question))
    return base::Error{Code::overloaded, "other nodes propose and sign as often as this fund takes of them",
                       std::chrono::ceil<std::chrono::milliseconds>(*wait)};
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

/// Only at the place: elsewhere another node's question is not passed on.
std::optional<base::Duration> FundActor::too_much(const runtime::Envelope& question) {
  const User by = user(caller());
  if (by.reserved || !seat().here() || !durable::changes(question)) return std::nullopt;
  const auto wait = ordered_.take(by, now(), static_cast<std::uint32_t>(1 + question.bytes().size() / kUnitBytes));
  if (!wait) return std::nullopt;
  return std::min<base::Duration>(*wait, kOrderAgain);
}

}  // namespace troupe::fund
