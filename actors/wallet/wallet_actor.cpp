#include "actors/wallet/wallet_actor.hpp"

#include <algorithm>

#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/own_actor.hpp"

namespace troupe::wallet {

namespace {
constexpr std::size_t kHeadBytes = 8 + 8 + 32;  // the number of commits follows
constexpr std::chrono::seconds kLedgerDue{5};   // below kLedgerLookPeriod

/// Returns whether the request is a deposit, as LedgerClient sends it.
bool pays_no_key(const runtime::Envelope& question) {
  if (question.kind() != &messages::kind_of<wire::PostTransfer>()) return false;
  runtime::Envelope::Reading<wire::PostTransfer> reading(question);
  return reading.root().getToNoKey();
}

}  // namespace

using base::Code;

void WalletActor::receive(runtime::Handlers& on) {
  receive_home(on);
  on.timer<LookAtLedger>([this] { look_at_ledger(); });
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
  look_for_own_book();
  if (settings_.book.kind != durable::Place::Kind::none) spawn<OwnActor>("own", settings_);
  const auto kind = seat().place().kind;
  if (kind == durable::Place::Kind::node || kind == durable::Place::Kind::group) after<LookAtLedger>(kLedgerLookPeriod);
}

/// Checks the ledger. A member of the group knows its leader; another node asks.
void WalletActor::look_at_ledger() {
  after<LookAtLedger>(kLedgerLookPeriod);
  const auto& leader = seat().leader();
  if (seat().here() || (leader && settings_.links->linked(*leader))) return ledger_is("");
  const runtime::Handle to = gateway().there();
  if (!to) return ledger_is(gateway().why().empty() ? "no route to it is known" : gateway().why());
  ask<wire::GetBook, wire::BookIs>(
      to, now() + kLedgerDue, [](wire::GetBook::Builder) {},
      [this](const runtime::Answer<wire::BookIs>& answer) {
        if (!answer.ok()) gateway().forget_leader();
        ledger_is(answer.ok() ? "" : answer.error().message);
      });
}

void WalletActor::ledger_is(const std::string& unreachable_why) {
  if (unreachable_why.empty()) unreachable_since_.reset();
  else if (!unreachable_since_) unreachable_since_ = now();
  if (settings_.health == nullptr) return;
  if (!unreachable_since_) return settings_.health->clear(kLedgerHealth);
  if (now() < *unreachable_since_ + kUnreachableMax) return;
  settings_.health->raise(kLedgerHealth, observe::HealthState::degraded,
                          "the ledger at " + settings_.book.text() + " (ledger.book) has not answered for 20 s or " +
                              "more: " + unreachable_why + "; payments, escrows, the fund and airdrops wait for it");
}

/// Finds out whether this node has a book. A book stays where its first posting was made, or on the chain once it keeps
/// an account there.
void WalletActor::look_for_own_book() {
  const durable::Place& place = seat().place();
  if (place.kind == durable::Place::Kind::none) return;
  const durable::Place here{durable::Place::Kind::self};
  if (!place.chain) {
    chain_.emplace(*this, here, kChainBookRows, 0);
    const base::Bytes followed{static_cast<std::uint8_t>(kChainBookFollowed)};
    chain_->range(followed, followed, 1, [this](const base::Outcome<durable::Storage::Page>& page) {
      left_chain_ = page.ok() && !page.value().rows.empty();
      if (left_chain_)
        settings_.log.error(
            "this node keeps accounts on its chain, so ledger.book cannot name another place: set it back to chain");
    });
  }
  if (place == here) return;
  own_.emplace(*this, here, "wallet", 0);
  own_->get(rows::head_key(), [this](const base::Outcome<std::optional<base::Bytes>>& row) {
    if (!row.ok() || !row.value()) return;
    const auto head = rows::decode_head(base::ByteView(*row.value()).first(std::min(row.value()->size(), kHeadBytes)));
    moved_ = head && head->sequence > 0;
    if (moved_)
      settings_.log.error(
          "this node keeps its own book, so ledger.book cannot name another place: set it back to self");
  });
}

/// On the chain the book is not a child of this actor: it starts before this actor (apps/host/meson.build).
runtime::Handle WalletActor::begin_child(const std::string& name) {
  if (seat().place().chain) return node().find(kChainBookPath);
  damaged_ = std::make_shared<std::optional<base::Error>>();
  return spawn<BookActor>(name, BookActor::Setup{settings_, seat().place(), seat().term(), damaged_});
}

std::optional<base::Error> WalletActor::refusal(const runtime::Envelope& question) {
  // A deposit may have been posted in the right ledger: it ends only once that ledger has answered.
  const Code misplaced = pays_no_key(question) ? Code::unavailable : Code::conflict;
  if (moved_)
    return base::Error{
        misplaced, "this node keeps a book with postings, and ledger.book names another place: set it back to self"};
  if (left_chain_)
    return base::Error{misplaced,
                       "this node keeps accounts on its chain, and ledger.book names another place: set it back to "
                       "chain"};
  if (*damaged_) return **damaged_;
  // `unavailable`: an escrow may have sent it while this node was losing or gaining the book.
  if (question.header().origin != runtime::Origin::local && pays_no_key(question))
    return base::Error{Code::unavailable,
                       "a deposit is posted at the book's node, by the escrow or the airdrop that expects it"};
  if (const auto wait = order_wait(question))
    return base::Error{Code::overloaded,
                       "the limit of transfers from other nodes is reached (wallet.transfers_of_others)", *wait};
  if (question.kind() != &messages::kind_of<wire::Issue>() || operator_of_the_place()) return std::nullopt;
  return base::Error{Code::refused,
                     "money can be issued only at the local socket of the book's node, or of a member of its group"};
}

}  // namespace troupe::wallet
