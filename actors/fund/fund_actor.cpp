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

FundActor::FundActor(FundSettings settings)
    : settings_(std::move(settings)),
      seat_(*this, settings_.book, settings_.pool),
      gateway_(*this, seat_, settings_.pool, kPath) {}

void FundActor::receive(runtime::Handlers& on) {
  seat_.receive<Follow>(on);
  gateway_.receive<Again>(on);
  // Who asked was judged when it came.
  gateway_.when_here([this](const runtime::Envelope& question, runtime::AnyReply reply, const runtime::Caller&) {
    ask_state(question, std::move(reply));
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
  on.describe<wire::FundState>([this](wire::FundState::Builder state) {
    state.setPlace(settings_.book.text());
    state.setHere(seat_.here());
    state.setWhy(gateway_.why());
  });
}

void FundActor::start() {
  node()
      .publish<wire::GetFund, wire::Propose, wire::SignProposal, wire::GetProposal, wire::ListProposals,
               wire::ListEntries>(kPath, self());
  seat_.start([this] { begin(); },
              [this] {
                if (state_) stop_child(state_);
              });
}

void FundActor::begin() {
  if (state_) return;  // that of another term is ending: down() begins the next
  const StateActor::Setup setup{settings_, seat_.place(), seat_.term()};
  state_ = spawn<StateActor>("state", setup);
  watch(state_);
}

void FundActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  if (ended != state_) return;
  state_ = {};
  if (seat_.here()) begin();
}

bool FundActor::may_be_owner() const {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer) return from.node && seat_.trusts(*from.node);
  return from.who() == "local";
}

void FundActor::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  try {
    const bool as_owner = unsigned_one<wire::Propose>(question) || unsigned_one<wire::SignProposal>(question);
    if (as_owner && !may_be_owner())
      return reply.refuse({Code::refused,
                           "without a signature the owner of the book acts, at the local socket of the book's node, or "
                           "of a member"});
  } catch (const kj::Exception&) {
    return reply.refuse({Code::malformed, "the question cannot be read"});
  }
  if (!seat_.here()) return gateway_.pass(question, std::move(reply));
  ask_state(question, std::move(reply));
}

void FundActor::ask_state(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (!state_) return reply.refuse({Code::unavailable, "the fund is being opened: try again in a moment"});
  request(state_, question,
          [reply = std::move(reply)](const runtime::Envelope& answer) mutable { reply.forward(answer); });
}

}  // namespace troupe::fund
