// Describes the events of an escrow in text.
#include "apps/escrow/log.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::escrows {
namespace {

using escrow::Extend;

std::string due_text(const escrow::Due& due) {
  if (due.kind == escrow::Due::Kind::at) return wallets::date_of(due.value);
  return config::duration_text(due.value) + " after the state begins";
}

std::string extend_text(const Extend& extend) {
  constexpr std::string_view kWhich[] = {"start", "delivery", "review"};
  return std::string(kWhich[static_cast<std::size_t>(extend.which)]) + " until " + due_text(extend.due);
}

std::string by_party(escrow::Party party, const std::string& what) {
  return "the " + std::string(party_name(party)) + ' ' + what;
}

struct EventText {
  std::string operator()(const escrow::Entered& it) const {
    const std::string stage(name(it.stage));
    return is_final(it.stage) ? stage : stage + ", until " + wallets::date_of(it.deadline);
  }
  std::string operator()(const escrow::ActTaken& it) const {
    return by_party(it.party, "acts, number " + std::to_string(it.number));
  }
  std::string operator()(const escrow::Committed&) const { return "the provider signs the agreement"; }
  std::string operator()(const escrow::DepositBegun& it) const { return by_party(it.party, "pays in"); }
  std::string operator()(const escrow::DepositEnded& it) const {
    return by_party(it.party, "has its deposit confirmed or rejected");
  }
  std::string operator()(const escrow::MoneyArrived& it) const {
    if (it.counted) return by_party(*it.counted, "has paid in " + it.amount.text());
    return it.amount.text() + " arrived too late, and is returned";
  }
  std::string operator()(const escrow::DeliveryMade& it) const { return "delivered " + it.cid.hex(); }
  std::string operator()(const escrow::MilestonePassed& it) const {
    return "milestone " + std::to_string(it.milestone) + " is accepted";
  }
  std::string operator()(const escrow::RevealTaken& it) const {
    return by_party(it.party, "reveals its bytes for the draw");
  }
  std::string operator()(const escrow::Offered& it) const {
    return by_party(it.party, it.extend ? "offers: " + extend_text(*it.extend) : "offers to cancel");
  }
  std::string operator()(const escrow::DeadlineMoved& it) const { return "agreed: " + extend_text(it.extend); }
  std::string operator()(const escrow::ProposalMade& it) const {
    return by_party(it.party, "proposes to release " + it.pay.text());
  }
  std::string operator()(const escrow::ArbiterDrawn& it) const { return "arbiter " + text(it.arbiter); }
  std::string operator()(const escrow::Owed& it) const {
    std::string out;
    for (const escrow::Payout& payout : it.payouts)
      out += (out.empty() ? "" : ", ") + payout.amount.text() + " to the " + std::string(role_name(payout.role)) +
             " (" + std::string(why_name(payout.why)) + ')';
    return out.empty() ? "nothing is owed" : out;
  }
  std::string operator()(const escrow::PaymentBound& it) const { return "transfer " + id_of(it.transfer).hex(); }
  std::string operator()(const escrow::PaymentEnded& it) const { return "transfer " + it.transfer.hex(); }
  std::string operator()(const escrow::BookCommitted&) const {
    return "the book commits to its bytes for the draw of an arbiter";
  }
  std::string operator()(const escrow::BookRevealed& it) const {
    return "the book reveals its bytes for this draw: " + it.reveal.hex();
  }
};

}  // namespace

std::string_view event_name(const escrow::Event& event) {
  constexpr std::string_view kNames[] = {
      "entered",   "act",       "signed",   "depositBegun", "depositEnded",  "moneyArrived",
      "delivered", "milestone", "revealed", "offered",      "deadlineMoved", "proposed",
      "arbiter",   "owed",      "paying",   "paid",         "bookCommitted", "bookRevealed"};
  static_assert(std::size(kNames) == std::variant_size_v<escrow::Event>);
  return kNames[event.index()];
}

std::string event_text(const escrow::Event& event) { return std::visit(EventText{}, event); }

std::string_view role_name(escrow::Role role) {
  constexpr std::string_view kNames[] = {"buyer", "provider", "fund", "arbiter", "sender"};
  return kNames[static_cast<std::size_t>(role)];
}

std::string_view why_name(escrow::Why why) {
  constexpr std::string_view kNames[] = {"release", "refund", "bond", "forfeit", "fee", "unasked"};
  return kNames[static_cast<std::size_t>(why)];
}

std::string_view party_name(escrow::Party party) { return party == escrow::Party::buyer ? "buyer" : "provider"; }

}  // namespace troupe::apps::escrows
