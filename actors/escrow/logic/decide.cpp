#include <algorithm>

#include "actors/escrow/logic/outcome.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

using Decided = base::Result<Decision, EscrowError>;

constexpr UnixMs kNever{UINT64_MAX};

/// Decides one command: applies each event to a copy at once, so that later events build on it.
class Deciding {
 public:
  Deciding(const Escrow& escrow, UnixMs now, const base::Mutations& mutations, Paying paying)
      : at_(escrow), now_(now), mutations_(mutations), paying_(paying) {}

  Decided operator()(const Acted& command);
  Decided operator()(const Looked&);
  Decided operator()(const Fire& command);
  Decided operator()(const Arrived& command);
  Decided operator()(const DepositRefused& command);
  Decided operator()(const PaymentConfirmed& command);
  Decided operator()(const PaymentRefused& command);

 private:
  Decided sign(Party by, const Sign& what, const Acted& command);
  Decided act(Party by, const Fund& what, Verdict verdict);
  Decided act(Party by, const Start&);
  Decided act(Party by, const Deliver& what);
  Decided act(Party by, const Accept& what);
  Decided act(Party by, const Progress& what);
  Decided act(Party by, const Dispute& what);
  Decided act(Party by, const Cancel&);
  Decided act(Party by, const Extend& what);
  Decided act(Party by, const Propose& what);
  Decided act(Party by, const Agree& what);
  Decided rule(const Address& by, const Rule& what);
  Decided accept_milestone(std::size_t milestone);
  /// Returns nullopt if no arbiter can be drawn.
  std::optional<Decided> draw_arbiter(const Fire& command);

  void emit(Event event) {
    escrow::apply(at_, event);
    out_.events.push_back(std::move(event));
  }
  void enter(Stage stage, UnixMs deadline) { emit(Entered{stage, now_, deadline}); }
  void settle(Outcome outcome) {
    emit(Owed{std::move(outcome.payouts), outcome.released});
    enter(outcome.stage, kNever);
  }
  void release(Amount total) {
    if (total == at_.agreement.price) settle(ended_with(at_, total, mutations_));
    else emit(Owed{release_to(at_, total, mutations_), total});
  }
  /// Ends the decision: payable sums go out.
  Decided done();
  Decided nothing() { return Decision{}; }

  bool in(std::initializer_list<Stage> stages) const {
    return std::find(stages.begin(), stages.end(), at_.stage) != stages.end();
  }
  bool late(const Due& next) const { return is_late(at_, next, now_); }
  /// Returns whether payable sums are paid now.
  bool due() const {
    if (paying_ == Paying::at_once || is_final(at_.stage)) return true;
    Amount owed;
    for (const Payout& payout : at_.owed) owed = owed + payout.amount;
    return owed.units() >= kGatheredMin && wallet::Wide{owed.units()} * kGatheredPart >= at_.agreement.price.units();
  }
  bool payable(Amount total) const { return total >= at_.released && total <= at_.agreement.price; }
  /// Takes the bytes of a provider's first act in a dispute. Returns whether the bytes are known, now or before.
  bool reveal(Party by, const std::optional<Reveal>& bytes);

  Escrow at_;
  const UnixMs now_;
  const base::Mutations& mutations_;
  const Paying paying_;
  Decision out_;
};

Decided Deciding::done() {
  if (!at_.outgoing.bound() && !at_.owed.empty() && due()) {
    std::vector<wallet::Credit> credits;
    for (const Payout& payout : at_.owed)
      if (credits.size() < wallet::kCreditsMax) credits.push_back({payout.to, payout.amount});
    const wallet::Transfer transfer = at_.outgoing.prepare(std::move(credits), "escrow");
    emit(PaymentBound{transfer});
    out_.effects.push_back(SendPayment{transfer});
  }
  return std::move(out_);
}

Decided Deciding::operator()(const Acted& command) {
  const Act& act = command.act;
  if (act.escrow != at_.id) return EscrowError::party;
  if (const auto* ruling = std::get_if<Rule>(&act.what)) return rule(act.by, *ruling);
  if (act.by != at_.agreement.buyer && act.by != at_.agreement.provider) return EscrowError::party;
  const Party by = act.by == at_.agreement.buyer ? Party::buyer : Party::provider;
  const base::Digest hash = crypto::sha256(encode(act));
  const LastAct& last = of(at_.acts, by);
  if (!mutations_.on("escrow.takes_acts_again")) {
    if (act.number == last.number && hash == last.act) return nothing();
    if (act.number <= last.number) return EscrowError::replayed;
  }
  emit(ActTaken{by, act.number, hash});
  return std::visit(
      [&]<class T>(const T& what) -> Decided {
        if constexpr (std::is_same_v<T, Rule>) return EscrowError::party;
        else if constexpr (std::is_same_v<T, Sign>) return this->sign(by, what, command);
        else if constexpr (std::is_same_v<T, Fund>) return this->act(by, what, command.verdict);
        else return this->act(by, what);
      },
      act.what);
}

Decided Deciding::sign(Party by, const Sign& what, const Acted& command) {
  if (by != Party::provider) return EscrowError::party;
  if (is_final(at_.stage)) return EscrowError::state;
  if (at_.stage != Stage::proposed) return nothing();
  if (command.verdict == Verdict::refuse) return EscrowError::guard;
  emit(Committed{what.commitment});
  emit(BookCommitted{Commitment{book_bytes(command.secret, 0).bytes}});
  if (command.verdict == Verdict::hold) enter(Stage::held, now_ + at_.terms.sign_by);
  else enter(Stage::created, now_ + at_.terms.fund_by);
  return done();
}

Decided Deciding::operator()(const Looked&) {
  if (at_.stage != Stage::held) return in({Stage::created}) ? nothing() : Decided(EscrowError::state);
  enter(Stage::created, now_ + at_.terms.fund_by);
  return done();
}

Decided Deciding::act(Party by, const Fund& what, Verdict verdict) {
  if (at_.stage != Stage::created) return EscrowError::state;
  if (at_.share(by) == Amount() || what.amount != at_.share(by)) return EscrowError::amount;
  if (of(at_.deposited, by) > Amount()) return nothing();
  if (const auto& begun = of(at_.depositing, by))
    return *begun == what.transfer ? nothing() : Decided(EscrowError::unconfirmed);
  if (verdict != Verdict::pass) return EscrowError::guard;
  if (late(at_.terms.start)) return EscrowError::late;
  emit(DepositBegun{by, what.transfer});
  out_.effects.push_back(SendDeposit{what.transfer});
  return done();
}

Decided Deciding::act(Party by, const Start&) {
  if (by != Party::provider) return EscrowError::party;
  if (at_.stage == Stage::running) return nothing();
  if (at_.stage != Stage::funded) return EscrowError::state;
  if (late(at_.terms.deliver) || late(at_.terms.review)) return EscrowError::late;
  enter(Stage::running, at_.terms.deliver.from(now_));
  return done();
}

Decided Deciding::act(Party by, const Deliver& what) {
  if (by != Party::provider) return EscrowError::party;
  if (!in({Stage::running, Stage::delivered})) return EscrowError::state;
  if (at_.agreement.cid && *at_.agreement.cid != what.cid) return EscrowError::changed;
  if (at_.delivery && at_.stage == Stage::delivered && at_.delivery->cid == what.cid) return nothing();
  if (late(at_.terms.review)) return EscrowError::late;
  emit(DeliveryMade{what.cid, at_.deliveries + 1});
  enter(Stage::delivered, at_.terms.review.from(now_));
  return done();
}

Decided Deciding::act(Party by, const Accept& what) {
  if (by != Party::buyer) return EscrowError::party;
  if (what.delivery && (!at_.delivery || at_.delivery->hash(at_.id) != *what.delivery)) return EscrowError::changed;
  if (what.milestone > 0) return accept_milestone(what.milestone);
  if (at_.stage == Stage::released) return nothing();
  if (at_.stage != Stage::delivered) return EscrowError::state;
  if (!what.delivery) return EscrowError::changed;
  release(at_.agreement.price);
  return done();
}

Decided Deciding::accept_milestone(std::size_t milestone) {
  if (milestone > at_.agreement.milestones.size()) return EscrowError::milestone;
  if ((at_.milestones >> (milestone - 1) & 1) != 0 && !mutations_.on("escrow.takes_acts_again")) return nothing();
  if (!in({Stage::running, Stage::delivered})) return EscrowError::state;
  emit(MilestonePassed{milestone});
  release(at_.released + at_.agreement.milestones[milestone - 1]);
  return done();
}

Decided Deciding::act(Party by, const Progress& what) {
  if (by != Party::buyer) return EscrowError::party;
  if (!at_.agreement.milestones.empty()) return EscrowError::milestone;
  if (what.earned == at_.released && what.earned > Amount()) return nothing();
  if (!in({Stage::running, Stage::delivered})) return EscrowError::state;
  if (what.earned <= at_.released || what.earned > at_.agreement.price) return EscrowError::amount;
  release(what.earned);
  return done();
}

Decided Deciding::act(Party by, const Dispute& what) {
  if (by != Party::buyer) return EscrowError::party;
  if (at_.stage == Stage::disputed) return nothing();
  const bool too_late = at_.stage == Stage::released && mutations_.on("escrow.disputes_after_release");
  if (at_.stage != Stage::delivered && !too_late) return EscrowError::state;
  if (!reveal(by, what.reveal)) return EscrowError::commitment;
  enter(Stage::disputed, now_ + at_.terms.mediation);
  return done();
}

bool Deciding::reveal(Party by, const std::optional<Reveal>& bytes) {
  if (of(at_.reveals, by)) return true;
  if (!bytes || commitment_of(*bytes) != of(at_.commitments, by)) return false;
  emit(RevealTaken{by, *bytes});
  return true;
}

Decided Deciding::act(Party by, const Cancel&) {
  if (at_.stage == Stage::created) {
    settle(all_back(at_));
    return done();
  }
  if (!in({Stage::funded, Stage::running, Stage::delivered}))
    return at_.stage == Stage::refunded || at_.stage == Stage::expired ? nothing() : Decided(EscrowError::state);
  const auto& theirs = of(at_.offers, other(by));
  if (theirs && !theirs->extend) {
    Outcome outcome = ended_with(at_, at_.released, mutations_);
    outcome.stage = Stage::refunded;
    settle(std::move(outcome));
    return done();
  }
  if (const auto& mine = of(at_.offers, by); mine && !mine->extend) return nothing();
  emit(Offered{by, std::nullopt});
  return done();
}

Decided Deciding::act(Party by, const Extend& what) {
  const bool start = what.which == Extended::start, deliver = what.which == Extended::deliver;
  const Stage bounded = start ? Stage::funded : deliver ? Stage::running : Stage::delivered;
  if (at_.stage < Stage::created || at_.stage > bounded) return EscrowError::state;
  if (what.due.value < kSpanMin || what.due.value > (what.due.kind == Due::Kind::at ? now_ + kSpanMax : kSpanMax))
    return EscrowError::times;
  const UnixMs deadline = at_.stage == bounded ? what.due.from(at_.entered) : at_.deadline;
  if ((what.due.kind == Due::Kind::at && what.due.value < now_ + kSpanMin) ||
      (at_.stage == bounded && deadline < now_ + kSpanMin))
    return EscrowError::times;
  const auto same = [&](const std::optional<Offer>& offer) {
    return offer && offer->extend && offer->extend->which == what.which && offer->extend->due == what.due;
  };
  if (same(of(at_.offers, other(by)))) {
    emit(DeadlineMoved{what, deadline});
    return done();
  }
  if (same(of(at_.offers, by))) return nothing();
  emit(Offered{by, what});
  return done();
}

Decided Deciding::act(Party by, const Propose& what) {
  if (!in({Stage::running, Stage::delivered, Stage::disputed})) return EscrowError::state;
  if (!payable(what.pay)) return EscrowError::amount;
  if (at_.stage == Stage::disputed && !reveal(by, what.reveal)) return EscrowError::commitment;
  if (at_.proposal && at_.proposal->by == by && at_.proposal->pay == what.pay) return done();
  emit(ProposalMade{by, what.pay});
  return done();
}

Decided Deciding::act(Party by, const Agree& what) {
  if (!in({Stage::running, Stage::delivered, Stage::disputed})) return EscrowError::state;
  if (!at_.proposal || at_.proposal->by == by) return EscrowError::changed;
  if (hash_of(at_.id, *at_.proposal) != what.proposal && !mutations_.on("escrow.agrees_to_anything"))
    return EscrowError::changed;
  if (!payable(at_.proposal->pay)) return EscrowError::amount;
  if (at_.stage == Stage::disputed && !reveal(by, what.reveal)) return EscrowError::commitment;
  settle(ended_with(at_, at_.proposal->pay, mutations_));
  return done();
}

Decided Deciding::rule(const Address& by, const Rule& what) {
  if (std::ranges::find(at_.drawn, by) == at_.drawn.end()) return EscrowError::party;
  if (by != at_.drawn.back() && !mutations_.on("escrow.hears_old_arbiters")) return EscrowError::party;
  if (at_.stage != Stage::disputed) return EscrowError::state;
  if (!payable(what.pay)) return EscrowError::amount;
  settle(ruled(at_, what.pay, by, mutations_));
  return done();
}

Decided Deciding::operator()(const Fire& command) {
  if (is_final(at_.stage)) return nothing();
  const bool again = now_ == at_.entered && at_.stage != Stage::proposed && mutations_.on("escrow.timer_twice");
  if (now_ < at_.deadline && !again) return EscrowError::early;
  if (command.up_since > UnixMs(0) && now_ < command.up_since + at_.window() &&
      !mutations_.on("escrow.early_after_outage"))
    return EscrowError::early;
  if (!at_.settled() && !mutations_.on("escrow.decides_unconfirmed")) return EscrowError::unconfirmed;
  if (at_.stage == Stage::disputed) {
    if (!at_.drawn.empty()) out_.effects.push_back(ForfeitArbiter{at_.drawn.back(), at_.drawn.size()});
    if (at_.drawn.size() < kRoundsMax)
      if (auto drawn = draw_arbiter(command)) return std::move(*drawn);
    mutations_.sometimes("escrow: no arbiter is left");
  }
  settle(otherwise(at_, mutations_));
  return done();
}

std::optional<Decided> Deciding::draw_arbiter(const Fire& command) {
  std::vector<Address> excluded = at_.drawn;
  excluded.insert(excluded.end(), {at_.agreement.buyer, at_.agreement.provider});
  std::vector<Arbiter> candidates = command.candidates;
  if (!mutations_.on("escrow.draws_latecomers"))
    std::erase_if(candidates, [this](const Arbiter& one) { return one.since > at_.begun; });
  const std::size_t round = at_.drawn.size() + 1;
  const Reveal book = book_bytes(command.secret, round);
  const auto seed = draw_seed(at_.id, of(at_.reveals, Party::buyer).value_or(Reveal{}),
                              of(at_.reveals, Party::provider).value_or(Reveal{}), book);
  const Amount whole = command.bonds > at_.drawn_bonds ? command.bonds - at_.drawn_bonds : Amount();
  const auto arbiter = draw(seed, round, candidates, excluded, whole);
  if (!arbiter) return std::nullopt;
  // An escrow that was signed in an earlier version has no commitment yet.
  if (!at_.book) emit(BookCommitted{commitment_of(book)});
  emit(BookRevealed{book});
  emit(ArbiterDrawn{arbiter->address, arbiter->bond, now_, now_ + at_.terms.arbiter_term});
  return done();
}

Decided Deciding::operator()(const Arrived& command) {
  std::optional<Party> announced, counted;
  for (const Party party : {Party::buyer, Party::provider})
    if (of(at_.depositing, party) == command.transfer) announced = party;
  if (!announced && !mutations_.on("escrow.counts_twice")) return nothing();
  if (announced) {
    emit(DepositEnded{*announced});
    if (at_.stage == Stage::created && command.amount == at_.share(*announced) &&
        command.from == at_.address(*announced))
      counted = announced;
  }
  emit(MoneyArrived{command.sequence, command.amount, counted});
  if (!counted) {
    if (!mutations_.on("escrow.keeps_late_money"))
      emit(Owed{{{command.from, Role::sender, command.amount, Why::unasked}}, at_.released});
    return done();
  }
  const auto paid = [&](Party party) { return of(at_.deposited, party) == at_.share(party); };
  if (paid(Party::buyer) && paid(Party::provider)) enter(Stage::funded, at_.terms.start.from(now_));
  return done();
}

Decided Deciding::operator()(const DepositRefused& command) {
  for (const Party party : {Party::buyer, Party::provider})
    if (of(at_.depositing, party) == command.transfer) emit(DepositEnded{party});
  return done();
}

Decided Deciding::operator()(const PaymentConfirmed& command) {
  const auto& bound = at_.outgoing.bound();
  if (!bound || id_of(*bound) != command.transfer) return nothing();  // late, or repeated
  emit(PaymentEnded{command.transfer});
  return done();
}

Decided Deciding::operator()(const PaymentRefused& command) {
  const auto& bound = at_.outgoing.bound();
  if (!bound || id_of(*bound) != command.transfer) return nothing();
  const wallet::Transfer again = *bound;
  if (!mutations_.on("escrow.takes_refused_as_paid")) {
    out_.effects.push_back(SendPayment{again});
    return std::move(out_);
  }
  emit(PaymentEnded{command.transfer});
  return done();
}

}  // namespace

base::Digest Delivery::hash(const EscrowId& escrow) const {
  base::Bytes out;
  base::append(out, base::as_bytes("troupe delivery v1"));
  base::append(out, escrow.view());
  base::append(out, cid.view());
  base::append_number(out, number);
  return crypto::sha256(out);
}

base::Digest hash_of(const EscrowId& id, const Proposal& proposal) {
  base::Bytes out;
  base::append(out, base::as_bytes("troupe proposal v1"));
  base::append(out, id.view());
  out.push_back(static_cast<std::uint8_t>(proposal.by));
  base::append_number(out, proposal.pay.units());
  return crypto::sha256(out);
}

std::string_view name(Stage stage) {
  constexpr std::string_view kNames[] = {"proposed",  "held",     "created",  "funded",   "running",
                                         "delivered", "disputed", "released", "refunded", "expired"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string_view name(EscrowError error) {
  switch (error) {
    case EscrowError::state: return "the escrow is in another state";
    case EscrowError::party: return "this party cannot do this";
    case EscrowError::replayed: return "a later act of this party was accepted before";
    case EscrowError::amount:
      return "invalid amount: less than the released sum, more than the price, or not the due share";
    case EscrowError::changed: return "the accepted delivery or proposal has changed: check it again, then accept";
    case EscrowError::commitment: return "the random bytes do not match the signed agreement";
    case EscrowError::milestone: return "the agreement has no such milestone, or is paid only by milestones";
    case EscrowError::late: return "less than a tenth of the next period would be left";
    case EscrowError::guard: return "a guard refuses it";
    case EscrowError::early: return "the deadline has not passed, or the book has not been back for long enough";
    case EscrowError::unconfirmed: return "a transfer of this escrow is still unconfirmed: try again";
    case EscrowError::times: return "invalid deadline: expected 1 second to 10 years from now";
  }
  return "refused";
}

Decision open(const Escrow& escrow, UnixMs now) {
  Decision out;
  out.events.push_back(Entered{Stage::proposed, now, now + escrow.terms.sign_by});
  return out;
}

base::Result<Decision, EscrowError> decide(const Escrow& escrow, const Command& command, UnixMs now,
                                           const base::Mutations& mutations, Paying paying) {
  Deciding deciding(escrow, now, mutations, paying);
  return std::visit(deciding, command);
}

std::vector<Effect> unfinished(const Escrow& escrow) {
  std::vector<Effect> out;
  if (escrow.outgoing.bound()) out.push_back(SendPayment{*escrow.outgoing.bound()});
  for (const auto& deposit : escrow.depositing)
    if (deposit) out.push_back(SendDeposit{*deposit});
  return out;
}

}  // namespace troupe::escrow
