#include "actors/wallet/wallet_actor.hpp"

#include "actors/wallet/book_actor.hpp"

namespace troupe::wallet {

using base::Code;

WalletActor::WalletActor(WalletSettings settings)
    : settings_(std::move(settings)),
      seat_(*this, settings_.book, settings_.pool),
      gateway_(*this, seat_, settings_.pool, kPath) {}

void WalletActor::receive(runtime::Handlers& on) {
  seat_.receive<Follow>(on);
  gateway_.receive<Again>(on);
  // Who asked was judged when it came.
  gateway_.when_here([this](const runtime::Envelope& question, runtime::AnyReply reply, const runtime::Caller&) {
    ask_book(question, std::move(reply));
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
  on.describe<wire::WalletState>([this](wire::WalletState::Builder state) {
    state.setPlace(settings_.book.text());
    state.setHere(seat_.here());
    state.setWhy(gateway_.why());
  });
}

void WalletActor::start() {
  node()
      .publish<wire::GetBook, wire::GetAccount, wire::ListAccounts, wire::PostTransfer, wire::Issue, wire::ListPostings,
               wire::CheckBook, wire::Propose, wire::SignProposal, wire::GetProposal, wire::ListProposals>(kPath,
                                                                                                           self());
  seat_.start([this] { begin(); }, [this] { end(); });
}

void WalletActor::begin() {
  if (book_) return;  // the one of another term is ending: down() begins the next
  const BookActor::Setup setup{settings_, seat_.place(), seat_.term(), kPath};
  book_ = spawn<BookActor>("book", setup);
  watch(book_);
}

void WalletActor::end() {
  if (book_) stop_child(book_);
}

void WalletActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  if (ended != book_) return;
  book_ = {};
  if (seat_.here()) begin();
}

bool WalletActor::may_issue() const {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer) return from.node && seat_.trusts(*from.node);
  return from.who() == "local";
}

void WalletActor::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (question.kind() == &messages::kind_of<wire::Issue>() && !may_issue())
    return reply.refuse({Code::refused, "money is issued at the local socket of the book's node, or of a member"});
  if (!seat_.here()) return gateway_.pass(question, std::move(reply));
  ask_book(question, std::move(reply));
}

void WalletActor::ask_book(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (!book_) return reply.refuse({Code::unavailable, "the book is being opened"});
  request(book_, question,
          [reply = std::move(reply)](const runtime::Envelope& answer) mutable { reply.forward(answer); });
}

}  // namespace troupe::wallet
