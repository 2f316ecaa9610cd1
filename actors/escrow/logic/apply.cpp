#include <algorithm>

#include "actors/escrow/logic/escrow.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::escrow {
namespace {

void add_payout(Payouts& to, const Payout& payout) {
  const auto same = std::ranges::find_if(
      to, [&](const Payout& one) { return one.to == payout.to && one.role == payout.role && one.why == payout.why; });
  if (same == to.end()) to.push_back(payout);
  else same->amount = same->amount + payout.amount;
}

struct Applied {
  Escrow& to;

  void operator()(const Entered& event) const {
    if (event.stage == Stage::proposed) to.begun = event.at;
    to.stage = event.stage;
    to.entered = event.at;
    to.deadline = event.deadline;
    to.offers = {};
  }
  void operator()(const ActTaken& event) const { of(to.acts, event.party) = {event.number, event.act}; }
  void operator()(const Committed& event) const { of(to.commitments, Party::provider) = event.provider; }
  void operator()(const DepositBegun& event) const { of(to.depositing, event.party) = event.transfer; }
  void operator()(const DepositEnded& event) const { of(to.depositing, event.party).reset(); }
  void operator()(const MoneyArrived& event) const {
    to.arrived = std::max(to.arrived, event.sequence);
    to.held = to.held + event.amount;
    if (event.counted) of(to.deposited, *event.counted) = event.amount;
    else ++to.returns;
  }
  void operator()(const DeliveryMade& event) const {
    to.delivery = Delivery{event.cid, event.number};
    to.deliveries = event.number;
  }
  void operator()(const MilestonePassed& event) const { to.milestones |= 1u << (event.milestone - 1); }
  void operator()(const RevealTaken& event) const { of(to.reveals, event.party) = event.reveal; }
  void operator()(const Offered& event) const { of(to.offers, event.party) = Offer{event.extend}; }
  void operator()(const DeadlineMoved& event) const {
    switch (event.extend.which) {
      case Extended::start: to.terms.start = event.extend.due; break;
      case Extended::deliver: to.terms.deliver = event.extend.due; break;
      case Extended::review: to.terms.review = event.extend.due; break;
    }
    to.deadline = event.deadline;
    to.offers = {};
  }
  void operator()(const ProposalMade& event) const { to.proposal = Proposal{event.party, event.pay}; }
  void operator()(const ArbiterDrawn& event) const {
    to.drawn.push_back(event.arbiter);
    to.drawn_bonds = plus(to.drawn_bonds, event.bond).value_or(to.drawn_bonds);
    to.entered = event.at;
    to.deadline = event.deadline;
  }
  void operator()(const Owed& event) const {
    for (const Payout& payout : event.payouts) {
      to.held = to.held - payout.amount;
      add_payout(to.owed, payout);
    }
    to.released = event.released;
  }
  void operator()(const PaymentBound& event) const {
    const auto end = to.owed.begin() + static_cast<std::ptrdiff_t>(event.transfer.credits.size());
    to.paying.assign(to.owed.begin(), end);
    to.owed.erase(to.owed.begin(), end);
    to.outgoing.bind(event.transfer);
  }
  void operator()(const PaymentEnded& event) const {
    to.outgoing.confirmed(event.transfer);
    for (const Payout& payout : to.paying)
      if (payout.why != Why::unasked) add_payout(to.paid, payout);
    to.paying.clear();
  }
  void operator()(const BookCommitted& event) const { to.book = event.book; }
  void operator()(const BookRevealed& event) const { to.book = Commitment{event.reveal.bytes}; }
};

}  // namespace

Escrow::Escrow(Agreement made, const Commitment& buyer)
    : agreement(std::move(made)),
      id(id_of(agreement)),
      terms(agreement.terms),
      outgoing(agreement.book, account_of(id)) {
  of(commitments, Party::buyer) = buyer;
}

bool Escrow::confirmed() const { return !depositing[0] && !depositing[1] && !outgoing.bound() && owed.empty(); }

bool Escrow::settled() const {
  // Payable sums in no bound transfer are gathered.
  return !depositing[0] && !depositing[1] && !outgoing.bound();
}

UnixMs Escrow::window() const { return std::min(terms.grace, deadline > entered ? deadline - entered : UnixMs(0)); }

void apply(Escrow& escrow, const Event& event) {
  std::visit(Applied{escrow}, event);
  base::ensure(escrow.released <= escrow.agreement.price, "no more is released than the price");
}

}  // namespace troupe::escrow
