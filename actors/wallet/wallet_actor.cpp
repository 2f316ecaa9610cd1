#include "actors/wallet/wallet_actor.hpp"

#include "actors/wallet/book_actor.hpp"

namespace troupe::wallet {

using base::Code;

void WalletActor::receive(runtime::Handlers& on) {
  receive_home(on);
  on.describe<wire::WalletState>([this](wire::WalletState::Builder state) {
    state.setPlace(settings_.book.text());
    state.setHere(seat().here());
    state.setWhy(gateway().why());
  });
}

void WalletActor::publish() {
  node()
      .publish<wire::GetBook, wire::GetAccount, wire::ListAccounts, wire::PostTransfer, wire::Issue, wire::ListPostings,
               wire::CheckBook, wire::Propose, wire::SignProposal, wire::GetProposal, wire::ListProposals>(kPath,
                                                                                                           self());
}

runtime::Handle WalletActor::begin_child(const std::string& name) {
  return spawn<BookActor>(name, BookActor::Setup{settings_, seat().place(), seat().term()});
}

std::optional<base::Error> WalletActor::refusal(const runtime::Envelope& question) {
  if (question.kind() != &messages::kind_of<wire::Issue>() || operator_of_the_place()) return std::nullopt;
  return base::Error{Code::refused, "money is issued at the local socket of the book's node, or of a member"};
}

}  // namespace troupe::wallet
