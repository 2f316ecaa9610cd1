// Opens an escrow: checks the buyer's proposal, also at the book, and makes it the first commit.
#include "actors/escrow/api.hpp"
#include "actors/escrow/escrow_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::uint32_t kUnknownOpens = 60;  // per minute; our choice
constexpr std::uint32_t kOpenedRows = 1;     // of a new log: a repeated proposal gets the same answer

}  // namespace

struct EscrowActor::Opening {
  Agreement agreement;
  Commitment commitment;
  rows::SignedBytes act;
  std::optional<base::NodeId> owner;
  runtime::Reply<wire::EscrowIs> reply;
  Amount bonds;  ///< settled_bonds()
};

void EscrowActor::open(wire::OpenAt::Reader ask, runtime::Reply<wire::EscrowIs> reply) {
  auto agreement = decode_agreement(bytes_of(ask.getOpen().getAgreement()));
  auto act = read(ask.getOpen().getSign());
  if (!agreement) return reply.refuse({Code::malformed, "the agreement is malformed"});
  if (!act.ok()) return reply.refuse(act.error());
  const auto* sign = std::get_if<Sign>(&act.value().act.what);
  if (sign == nullptr || act.value().act.escrow != setup_.id || act.value().act.number != 1)
    return reply.refuse({Code::malformed, "an escrow must begin with the buyer's signature, as act number 1"});
  if (act.value().act.by != agreement->buyer)
    return reply.refuse({Code::refused, "only the buyer can propose an escrow"});
  const auto opening = std::make_shared<Opening>(
      Opening{std::move(*agreement), sign->commitment,
              rows::SignedBytes{act.value().bytes, act.value().policy, act.value().approvals}, node_of(ask.getOwner()),
              std::move(reply), Amount::from(ask.getBonds()).value_or(Amount())});
  when_loaded([this, opening](const base::Outcome<void>& read) {
    if (!read.ok()) return opening->reply.refuse(read.error());
    if (founding_) {
      if (founding_->buyer == opening->commitment) return show(0, kOpenedRows, std::move(opening->reply));
      return opening->reply.refuse({Code::conflict, "this agreement was proposed with other random bytes"});
    }
    if (const auto valid = escrow::check(opening->agreement, time()); !valid.ok()) {
      constexpr std::string_view kWhat[] = {
          "invalid parties: the buyer, the provider and the fund must be different accounts",
          "invalid price or bond: the price must be above 0, and with both bonds below 2^63",
          "invalid milestones: expected at most 16, each above 0, whose sum is the price",
          "invalid times: expected spans from 1 second to 10 years, and dates in the future within 10 years"};
      return opening->reply.refuse(
          {Code::refused, "the agreement has " + std::string(kWhat[static_cast<std::size_t>(valid.error())])});
    }
    // A silent arbiter loses its bond to the parties, who would otherwise choose the shortest time.
    const UnixMs term = opening->agreement.terms.arbiter_term, least = setup_.settings->terms.arbiter_term;
    if (term < least || term / kArbiterTermPart > least)
      return opening->reply.refuse(
          {Code::refused,
           "invalid arbiter term: expected escrow.arbiter_term of this book, or up to ten times as much"});
    // Limits the timers that are scanned after an outage.
    if (opening->agreement.terms.grace / kGracePart > setup_.settings->terms.grace)
      return opening->reply.refuse(
          {Code::refused, "invalid grace: expected at most ten times escrow.grace of this book"});
    open_at_book(opening);
  });
}

/// Checks that the agreement belongs to this book.
void EscrowActor::open_at_book(std::shared_ptr<Opening> opening) {
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kBookDue,
      [&](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(opening->agreement.buyer.view())); },
      [this, opening](runtime::Answer<wallet::wire::AccountIs> buyer) {
        if (!buyer.ok()) return opening->reply.refuse(buyer.error());
        const auto id = wallet::BookId::from(bytes_of(buyer.value().getBook()));
        if (id != opening->agreement.book || opening->agreement.fund != wallet::account_of("fund", id->view()))
          return opening->reply.refuse({Code::refused, "the agreement was made for another book, or another fund"});
        // Keys cost nothing, so all never paid accounts share one rate.
        if (buyer.value().getAccount().getSince() == 0 && setup_.unknown->fetch_add(1) >= kUnknownOpens)
          return opening->reply.refuse(
              {Code::overloaded,
               "too many proposals in this minute by accounts that never received money: pay this account first"});
        // Checked before the account is followed, which is permanent: a refused escrow must leave no row.
        if_unpaid(opening, [this, opening] { follow(opening); });
      });
}

/// Follows the account, then checks again: from then on the ledger refuses unexpected payments.
void EscrowActor::follow(std::shared_ptr<Opening> opening) {
  ask<wallet::wire::Follow, messages::wire::Nothing>(
      node().find(wallet::kPath), now() + kBookDue,
      [&](wallet::wire::Follow::Builder out) {
        out.setKind("escrow");
        out.setId(data_of(setup_.id.view()));
        out.setPath(kPath);
      },
      [this, opening](const runtime::Answer<messages::wire::Nothing>& followed) {
        if (!followed.ok()) return opening->reply.refuse(followed.error());
        if_unpaid(opening, [this, opening] { found(opening); });
      });
}

/// Refuses an escrow whose account was paid before: the money would stay there, because no act announced it.
void EscrowActor::if_unpaid(std::shared_ptr<Opening> opening, base::Callback<void()> then) {
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kBookDue,
      [&](wallet::wire::GetAccount::Builder out) {
        out.setAddress(data_of(account_of(setup_.id).view()));
        out.setOfNoKey(true);
      },
      [opening, then = std::move(then)](runtime::Answer<wallet::wire::AccountIs> account) mutable {
        if (!account.ok()) return opening->reply.refuse(account.error());
        if (account.value().getAccount().getSince() > 0)
          return opening->reply.refuse({Code::refused,
                                        "the account of this escrow was paid before the escrow was proposed: propose "
                                        "another escrow, and pay once it is created"});
        then();
      });
}

void EscrowActor::found(std::shared_ptr<Opening> opening) {
  if (!loaded_ || busy_ || founding_)
    return opening->reply.refuse(
        {Code::unavailable, "this escrow was proposed at the same time by another request: try again"});
  auto proposed = std::make_shared<rows::Proposed>(
      rows::of_proposal(opening->agreement, opening->commitment, opening->owner, opening->act, time(), opening->bonds));
  make_durable({.head = {}, .rows = proposed->rows}, [this, opening, proposed](const base::Outcome<void>& done) {
    if (!done.ok()) return opening->reply.refuse(done.error());
    founding_ = std::move(proposed->founding);
    replay_.emplace(std::move(proposed->replay));
    happened(proposed->entries);
    setup_.rates->note(opening->agreement.buyer);
    show(0, kOpenedRows, std::move(opening->reply));
  });
}

}  // namespace troupe::escrow
