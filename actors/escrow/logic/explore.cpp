#include "actors/escrow/logic/explore.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <stdexcept>
#include <unordered_set>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

/// A broken invariant of the exploration.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void must(bool held, const char* invariant) {
  if (!held) throw Broken(invariant);
}

Address numbered(std::uint8_t number) {
  Address out;
  out.bytes.fill(number);
  return out;
}
constexpr std::uint8_t kFirstArbiter = 20, kLatecomer = 30;
constexpr UnixMs kHour = std::chrono::hours(1);

Reveal reveal_of(Party party) {
  Reveal out;
  out.bytes.fill(party == Party::buyer ? 1 : 2);
  return out;
}

Agreement explored_agreement(const Exploring& limits) {
  Agreement out{.buyer = numbered(1),
                .provider = numbered(2),
                .fund = numbered(3),
                .price = limits.price,
                .bond = limits.bond,
                .milestones = limits.milestones};
  out.terms.start = out.terms.deliver = Due{Due::Kind::after, std::chrono::hours(24)};
  return out;
}

/// A transfer in flight to the ledger.
struct Sent {
  std::optional<wallet::Transfer> payment{};  ///< otherwise a deposit
  Party party{};
  wallet::TransferId id;
  Amount amount;
};
/// A posting that credits the escrow's account.
struct Posted {
  std::uint64_t sequence = 0;
  wallet::TransferId id;
  Address from;
  Amount amount;
};

/// The sum that each of the four gets in the end.
struct Dues {
  Amount buyer, provider, fund, arbiter;
  friend bool operator==(const Dues&, const Dues&) = default;
};

struct World {
  World(const Exploring& with, const base::Mutations& bugs)
      : limits(with), mutations(&bugs), escrow(explored_agreement(with), commitment_of(reveal_of(Party::buyer))) {
    for (const Event& event : open(escrow, now).events) apply(escrow, event);
    for (std::size_t i = 0; i < limits.arbiters; ++i)
      candidates.push_back({numbered(static_cast<std::uint8_t>(kFirstArbiter + i)), Amount::of(10)});
    // A party's own arbiter, whose bond makes every draw fall on it.
    candidates.push_back({numbered(kLatecomer), Amount::of(1'000'000), now + UnixMs(1)});
  }

  Exploring limits;  // the remaining number of each
  const base::Mutations* mutations;
  Escrow escrow;
  std::vector<Arbiter> candidates;
  UnixMs now = kHour, up_since{0};
  std::array<std::uint64_t, 2> act_numbers{};
  std::array<int, 2> attempts{};                  // deposits
  std::array<std::optional<Proposal>, 2> seen{};  // the other party's proposal that each party has read
  bool bonds_forfeited = false;
  std::optional<Amount> ruling{};
  Amount released;  // by the second implementation of the rule

  // The ledger, and messages in flight to and from it.
  std::vector<Sent> to_ledger{};
  std::vector<Command> from_ledger{};
  std::vector<Posted> credits{};
  std::uint64_t debits = 0;
  wallet::TransferId last_debit;
  Amount came, went;            // into and out of the account
  Amount came_seen, went_seen;  // as reported to the escrow
  Dues paid{};

  Amount in_account() const { return came - went; }

  void perform(const std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      if (const auto* payment = std::get_if<SendPayment>(&effect))
        to_ledger.push_back({payment->transfer, {}, id_of(payment->transfer), {}});
      if (const auto* deposit = std::get_if<SendDeposit>(&effect))
        for (const Party party : {Party::buyer, Party::provider})
          if (of(escrow.depositing, party) == deposit->transfer)
            to_ledger.push_back({std::nullopt, party, deposit->transfer, escrow.share(party)});
    }
  }

  /// Returns whether it was accepted and changed something.
  bool command(const Command& what) {
    const Stage before = escrow.stage;
    auto decided = decide(escrow, what, now, *mutations);
    if (!decided.ok()) return false;
    for (const Event& event : decided.value().events) {
      apply(escrow, event);
      if (const auto* money = std::get_if<MoneyArrived>(&event)) came_seen = came_seen + money->amount;
      if (const auto* ended = std::get_if<PaymentEnded>(&event)) went_seen = went_seen + debit_of(ended->transfer);
    }
    must(!is_final(before) || escrow.stage == before, "a final state stays");
    perform(decided.value().effects);
    return !decided.value().events.empty();
  }
  std::vector<std::pair<wallet::TransferId, Amount>> debited{};
  Amount debit_of(const wallet::TransferId& id) const {
    const auto at = std::ranges::find(debited, id, &std::pair<wallet::TransferId, Amount>::first);
    return at == debited.end() ? Amount() : at->second;
  }

  bool act(Party party, What what) {
    const std::uint64_t number = of(act_numbers, party) + 1;
    if (!command(Acted{{escrow.id, escrow.address(party), number, std::move(what)}})) return false;
    of(act_numbers, party) = number;
    return true;
  }

  // --- the ledger

  void post(const Sent& sent) {
    if (!sent.payment) {
      if (has_posted(sent)) return;  // a retry
      // Both attempts have the same number of the party's account: one of them is posted.
      if (came_from(sent.party) > Amount()) return refuse(sent);
      credit(sent.id, escrow.address(sent.party), sent.amount);
      return;
    }
    const wallet::Transfer& transfer = *sent.payment;
    if (transfer.number.value <= debits) {
      from_ledger.push_back(last_debit == sent.id ? Command(PaymentConfirmed{sent.id})
                                                  : Command(PaymentRefused{sent.id}));
      return;
    }
    Amount total;
    for (const wallet::Credit& one : transfer.credits) total = total + one.amount;
    must(transfer.number.value == debits + 1, "payments have rising numbers");
    must(total <= in_account(), "no more is paid than the account has");
    for (const wallet::Credit& one : transfer.credits) pay(one);
    debits = transfer.number.value;
    last_debit = sent.id;
    debited.emplace_back(sent.id, total);
    went = went + total;
    from_ledger.push_back(PaymentConfirmed{sent.id});
  }
  void pay(const wallet::Credit& credit) {
    const Agreement& made = escrow.agreement;
    Amount* const to = credit.to == made.buyer      ? &paid.buyer
                       : credit.to == made.provider ? &paid.provider
                       : credit.to == made.fund     ? &paid.fund
                                                    : &paid.arbiter;
    *to = *to + credit.amount;
  }
  void credit(const wallet::TransferId& id, const Address& from, Amount amount) {
    credits.push_back({credits.size() + 1, id, from, amount});
    came = came + amount;
    from_ledger.push_back(Arrived{credits.size(), id, from, amount});
  }
  bool has_posted(const Sent& sent) const {
    if (sent.payment) return debits > 0 && last_debit == sent.id;
    return std::ranges::find(credits, sent.id, &Posted::id) != credits.end();
  }
  void refuse(const Sent& sent) {
    if (sent.payment) from_ledger.push_back(PaymentRefused{sent.id});
    else from_ledger.push_back(DepositRefused{sent.id});
  }
  void crash() {
    to_ledger.clear();
    from_ledger.clear();
    perform(unfinished(escrow));
    for (const Posted& posted : credits)
      if (std::ranges::find(escrow.depositing, std::optional(posted.id)) != escrow.depositing.end())
        from_ledger.push_back(Arrived{posted.sequence, posted.id, posted.from, posted.amount});
  }

  // --- time

  /// Returns how long the book must be back after an outage.
  UnixMs window() const { return std::min(escrow.terms.grace, escrow.deadline - escrow.entered); }
  bool advance() {
    std::vector<UnixMs> moments{escrow.deadline};
    if (up_since > UnixMs(0)) moments.push_back(up_since + window());
    std::erase_if(moments, [&](UnixMs moment) { return moment <= now; });
    if (is_final(escrow.stage) || moments.empty()) return false;
    now = std::ranges::min(moments);
    return true;
  }
  bool fire() {
    const Escrow before = escrow;
    const UnixMs open_from = up_since + window();
    if (!command(Fire{up_since, candidates})) return false;
    must(now >= before.deadline, "no deadline fires before its time");
    must(up_since == UnixMs(0) || now >= open_from, "no deadline fires too soon after an outage");
    must(before.settled(), "no deadline decides while a transfer is unconfirmed");
    must(escrow.drawn.empty() || escrow.drawn.back() != numbered(kLatecomer),
         "no arbiter is drawn that joined after the escrow was proposed");
    if (before.stage == Stage::funded || before.stage == Stage::running) bonds_forfeited = true;
    if (before.stage == Stage::delivered) released = limits.price;
    if (before.stage == Stage::disputed && is_final(escrow.stage))
      released = released + *share(limits.price - released, 1, 2);
    return true;
  }

  // --- what must hold

  void check() const {
    Amount owed, paying;
    for (const Payout& one : escrow.owed) owed = owed + one.amount;
    for (const Payout& one : escrow.paying) paying = paying + one.amount;
    must(escrow.held + owed + paying + went_seen == came_seen, "what arrived is held, owed, on its way, or paid");
    must(escrow.released == released, "what is released is what the acts and deadlines say");
    if (!to_ledger.empty() || !from_ledger.empty() || !escrow.confirmed()) return;
    must(escrow.held == in_account(), "the escrow and the ledger agree when nothing is on its way");
    if (!is_final(escrow.stage)) return;
    must(in_account() == Amount(), "nothing is left in a final state");
    must(paid == due(), "each role has its due");
  }

  Amount came_from(Party party) const {
    Amount out;
    for (const Posted& one : credits)
      if (one.from == escrow.address(party)) out = out + one.amount;
    return out;
  }
  /// Returns the sums of a final state by the rules of the agreement.
  Dues due() const {
    const Amount price = limits.price, bond = limits.bond, both = bond + bond;
    const Amount fund = Amount::of(released.units() / 20);
    if (escrow.stage == Stage::expired) return {came_from(Party::buyer), came_from(Party::provider), {}, {}};
    Dues out{price - released + bond, released - fund + bond, fund, {}};
    if (bonds_forfeited) out = {price - released + both, released - fund, fund, {}};
    if (ruling) {
      const Amount cut = Amount::of((bond.units() + 4) / 5);
      const bool buyer_lost = 2 * ruling->units() >= price.units();
      out.buyer = price - released + (buyer_lost ? Amount() : both - cut);
      out.provider = released - fund + (buyer_lost ? both - cut : Amount());
      out.arbiter = cut;
    }
    return out;
  }

  /// Checks that the escrow ends without further acts.
  void check_exit() const {
    World world = *this;
    for (int steps = 0; steps < 100; ++steps) {
      while (!world.to_ledger.empty() || !world.from_ledger.empty()) {
        const auto sent = std::exchange(world.to_ledger, {});
        for (const Sent& one : sent) world.post(one);
        const auto told = std::exchange(world.from_ledger, {});
        for (const Command& one : told) world.command(one);
        must(++steps < 100, "the ledger and the escrow come to an end");
      }
      world.check();
      if (is_final(world.escrow.stage) && world.escrow.confirmed()) return;
      if (!world.fire()) must(world.advance(), "each state has an exit with neither party acting");
    }
    must(false, "each state has an exit with neither party acting");
  }

  /// Returns all state that the future depends on; times are relative to now, and numbers of acts do not matter.
  std::string mark() const;
};

struct Marker {
  base::Bytes out;
  void number(std::uint64_t value) { base::append_number(out, value); }
  void span(UnixMs from, UnixMs to) { number(is_far(to) ? 0 : to.count() - from.count()); }
  static bool is_far(UnixMs time) { return time.count() == UINT64_MAX; }
  void payouts(const Payouts& all) {
    number(all.size());
    for (const Payout& one : all) {
      out.push_back(one.to.bytes[0]);
      out.push_back(static_cast<std::uint8_t>(one.why));
      number(one.amount.units());
    }
  }
};

std::string World::mark() const {
  Marker to;
  const Escrow& it = escrow;
  to.number(static_cast<std::uint64_t>(it.stage));
  to.span(now, it.deadline);
  to.span(it.entered, it.deadline);
  to.span(now, up_since + kHour);
  to.number(it.milestones << 8 | it.deliveries);
  for (const Due& due : {it.terms.start, it.terms.deliver, it.terms.review}) to.number(due.value.count());
  for (const Party party : {Party::buyer, Party::provider}) {
    to.number(of(it.depositing, party).has_value());
    to.number(of(it.deposited, party).units());
    to.number(of(it.reveals, party).has_value());
    to.number(static_cast<std::uint64_t>(of(attempts, party)));
    const auto& offer = of(it.offers, party);
    to.number(!offer ? 0 : !offer->extend ? 1 : 2 + offer->extend->due.value.count());
    const auto& read = of(seen, party);
    to.number(read ? 1 + read->pay.units() : 0);
  }
  to.number(it.proposal ? 2 * it.proposal->pay.units() + static_cast<std::uint64_t>(it.proposal->by) + 1 : 0);
  to.number(it.drawn.size());
  for (const Address& one : it.drawn) to.out.push_back(one.bytes[0]);
  for (const Amount amount : {it.held, it.released, released, came, went, came_seen, went_seen, paid.buyer,
                              paid.provider, paid.fund, paid.arbiter, ruling.value_or(Amount::of(Amount::kMax))})
    to.number(amount.units());
  to.payouts(it.owed);
  to.payouts(it.paying);
  to.number(it.outgoing.bound().has_value());
  to.number(debits - it.outgoing.done().value);
  to.number(bonds_forfeited);
  for (const int left : {limits.duplicates, limits.crashes, limits.failures, limits.outages, limits.proposals,
                         limits.progresses, limits.extensions, limits.deliveries})
    to.out.push_back(static_cast<std::uint8_t>(left));
  // Sorted, because messages are accepted in any order.
  std::vector<std::string> flying;
  for (const Sent& sent : to_ledger)
    flying.push_back("s" + std::to_string(sent.payment ? sent.payment->number.value - it.outgoing.done().value : 0) +
                     (sent.payment ? sent.id.hex().substr(0, 8) : std::to_string(static_cast<int>(sent.party))));
  for (const Command& told : from_ledger) {
    std::string text = std::to_string(told.index());
    if (const auto* arrived = std::get_if<Arrived>(&told)) text += arrived->transfer.hex().substr(0, 8);
    if (const auto* refused = std::get_if<DepositRefused>(&told)) text += refused->transfer.hex().substr(0, 8);
    if (const auto* confirmed = std::get_if<PaymentConfirmed>(&told)) text += confirmed->transfer.hex().substr(0, 8);
    if (const auto* refused = std::get_if<PaymentRefused>(&told)) text += refused->transfer.hex().substr(0, 8);
    flying.push_back(std::move(text));
  }
  std::ranges::sort(flying);
  for (const std::string& one : flying) {
    base::append(to.out, base::as_bytes(one));
    to.out.push_back(0);
  }
  return std::string(base::as_text(crypto::sha256(to.out).view().first(16)));
}

/// Calls `found` with each state that one step leads to.
class Steps {
 public:
  using Found = std::function<void(World, std::string)>;
  Steps(const World& from, const Found& found) : from_(from), found_(found) {}

  void all() {
    ledger();
    world();
    for (const Party party : {Party::buyer, Party::provider}) acts(party);
    arbiters();
  }

 private:
  /// Takes a step, unless it changes nothing.
  template <class Step>
  void step(std::string what, Step take) {
    World next = from_;
    if (take(next)) found_(std::move(next), std::move(what));
  }

  void ledger() {
    for (std::size_t i = 0; i < from_.to_ledger.size(); ++i) {
      const Sent sent = from_.to_ledger[i];
      const auto without = [i](World& next) {
        next.to_ledger.erase(next.to_ledger.begin() + static_cast<std::ptrdiff_t>(i));
      };
      step("the ledger posts", [&](World& next) {
        without(next);
        next.post(sent);
        return true;
      });
      if (from_.limits.duplicates > 0)
        step("the ledger receives it twice", [&](World& next) {
          --next.limits.duplicates;
          next.post(sent);
          return true;
        });
      if (from_.limits.failures > 0)
        step("the ledger refuses", [&](World& next) {
          if (next.has_posted(sent)) return false;
          --next.limits.failures;
          without(next);
          next.refuse(sent);
          return true;
        });
    }
    for (std::size_t i = 0; i < from_.from_ledger.size(); ++i) {
      const Command told = from_.from_ledger[i];
      step("the escrow is notified", [&](World& next) {
        next.from_ledger.erase(next.from_ledger.begin() + static_cast<std::ptrdiff_t>(i));
        next.command(told);
        return true;
      });
      if (from_.limits.duplicates > 0)
        step("the escrow is notified, and will be again", [&](World& next) {
          --next.limits.duplicates;
          next.command(told);
          return true;
        });
    }
  }

  void world() {
    step("time", [](World& next) { return next.advance(); });
    step("the deadline fires", [](World& next) { return next.fire(); });
    if (from_.limits.outages > 0)
      step("the book was away until now", [](World& next) {
        --next.limits.outages;
        next.up_since = next.now;
        return true;
      });
    if (from_.limits.crashes > 0)
      step("crash", [](World& next) {
        --next.limits.crashes;
        next.crash();
        return true;
      });
  }

  void acts(Party party) {
    const Escrow& now = from_.escrow;
    const auto act = [&](const char* what, What how, auto then) {
      step((party == Party::buyer ? "buyer: " : "provider: ") + std::string(what), [&](World& next) {
        const Stage before = next.escrow.stage;
        if (!next.act(party, how)) return false;
        then(next, before);
        return true;
      });
    };
    const auto nothing_else = [](World&, Stage) {};
    if (party == Party::provider) act("sign", Sign{commitment_of(reveal_of(party))}, nothing_else);
    if (of(from_.attempts, party) < 2) {
      wallet::TransferId id;
      id.bytes.fill(static_cast<std::uint8_t>(40 + 2 * static_cast<int>(party) + of(from_.attempts, party)));
      act("fund", Fund{id, now.share(party)}, [party](World& next, Stage) { ++of(next.attempts, party); });
    }
    act("start", Start{}, nothing_else);
    if (from_.limits.deliveries > 0) {
      Cid cid;
      cid.bytes.fill(static_cast<std::uint8_t>(60 + from_.limits.deliveries));
      act("deliver", Deliver{cid}, [](World& next, Stage) { --next.limits.deliveries; });
    }
    act("accept", Accept{now.delivery ? std::optional(now.delivery->hash(now.id)) : std::nullopt, 0},
        [](World& next, Stage) { next.released = next.limits.price; });
    for (std::size_t i = 0; i < from_.limits.milestones.size(); ++i)
      act("accept a milestone", Accept{std::nullopt, i + 1},
          [i](World& next, Stage) { next.released = next.released + next.limits.milestones[i]; });
    if (from_.limits.progresses > 0)
      act("progress", Progress{*share(from_.limits.price, 1, 2)}, [](World& next, Stage) {
        --next.limits.progresses;
        next.released = *share(next.limits.price, 1, 2);
      });
    act("dispute", Dispute{reveal_of(party)}, nothing_else);
    act("cancel", Cancel{}, nothing_else);
    if (from_.limits.extensions > 0) {
      const Due longer{Due::Kind::after, std::chrono::hours(100)};
      for (const Extended which : {Extended::start, Extended::deliver, Extended::review})
        act("extend", Extend{which, longer}, [](World& next, Stage) {
          if (!next.escrow.offers[0] && !next.escrow.offers[1]) --next.limits.extensions;
        });
    }
    proposals(party, act);
    replay(party);
  }

  template <class TakeAct>
  void proposals(Party party, const TakeAct& act) {
    const Escrow& now = from_.escrow;
    const std::optional<Reveal> reveal = party == Party::provider ? std::optional(reveal_of(party)) : std::nullopt;
    if (from_.limits.proposals > 0)
      for (const Amount pay : {from_.released, from_.limits.price})
        act("propose", Propose{pay, reveal}, [](World& next, Stage) { --next.limits.proposals; });
    if (now.proposal && now.proposal->by != party)
      step("the other party reads the proposal", [&](World& next) {
        auto& read = of(next.seen, party);
        if (read && read->pay == now.proposal->pay) return false;
        read = now.proposal;
        return true;
      });
    if (const auto& read = of(from_.seen, party))
      act("agree to what was read", Agree{hash_of(now.id, *read), reveal},
          [pay = read->pay](World& next, Stage) { next.released = pay; });
  }

  /// Repeats the latest act, as a message that comes twice.
  void replay(Party party) {
    if (from_.limits.duplicates == 0 || of(from_.act_numbers, party) == 0 || !last_milestone(party)) return;
    step("an act comes twice", [&](World& next) {
      --next.limits.duplicates;
      Act again{next.escrow.id, next.escrow.address(party), of(next.act_numbers, party),
                Accept{std::nullopt, *last_milestone(party)}};
      return next.command(Acted{again});
    });
  }
  /// Returns the latest milestone. Only a milestone could pay twice; other acts are harmless.
  std::optional<std::size_t> last_milestone(Party party) const {
    if (party != Party::buyer) return std::nullopt;
    for (std::size_t i = 0; i < from_.limits.milestones.size(); ++i)
      if ((from_.escrow.milestones >> i & 1) != 0) return i + 1;
    return std::nullopt;
  }

  void arbiters() {
    for (const Arbiter& one : from_.candidates)
      for (const Amount pay : {from_.released, from_.limits.price})
        step("an arbiter rules", [&](World& next) {
          const bool drawn_last = !next.escrow.drawn.empty() && next.escrow.drawn.back() == one.address;
          if (!next.command(Acted{{next.escrow.id, one.address, 1, Rule{pay}}})) return false;
          must(drawn_last, "the arbiter that was drawn last rules, and no other");
          next.released = pay;
          next.ruling = pay;
          return true;
        });
  }

  const World& from_;
  const Found& found_;
};

struct Came {
  std::size_t from;
  std::string by;
};

std::vector<std::string> path_to(const std::vector<Came>& came, std::size_t at) {
  std::vector<std::string> out;
  for (; at != 0; at = came[at].from) out.push_back(came[at].by);
  std::ranges::reverse(out);
  return out;
}

}  // namespace

std::vector<Exploration> explorations() {
  Exploring calm;
  calm.duplicates = calm.crashes = calm.failures = calm.outages = 0;
  calm.proposals = calm.progresses = calm.extensions = 0;
  Exploring milestones = calm;
  milestones.price = Amount::of(47);  // 2 for the fund; 19 and 28 alone would give it 0 and 1
  milestones.milestones = {Amount::of(19), Amount::of(28)};
  std::vector<Exploration> out;
  const auto add = [&](std::string_view name, Exploring limits, auto change, bool quick = true) {
    change(limits);
    out.push_back({name, std::move(limits), quick});
  };
  add("calm", calm, [](Exploring&) {});
  add("milestones", milestones, [](Exploring&) {});
  add("proposals", calm, [](Exploring& it) { it.proposals = 2; });
  add("extension", calm, [](Exploring& it) {
    it.extensions = 1;
    it.deliveries = 2;
  });
  add("no bonds", calm, [](Exploring& it) {
    it.progresses = 1;
    it.bond = Amount();
    it.arbiters = 0;
  });
  add("four arbiters", calm, [](Exploring& it) { it.arbiters = 4; });
  add("outage", calm, [](Exploring& it) { it.outages = 1; });
  add("duplicate", calm, [](Exploring& it) { it.duplicates = it.failures = 1; });
  add("crash", calm, [](Exploring& it) { it.crashes = it.failures = 1; });
  add(
      "duplicate and crash", calm, [](Exploring& it) { it.duplicates = it.crashes = it.failures = 1; }, false);
  add(
      "milestones and duplicate", milestones, [](Exploring& it) { it.duplicates = it.failures = 1; }, false);
  add(
      "proposal and progress", calm, [](Exploring& it) { it.proposals = it.progresses = it.failures = 1; }, false);
  return out;
}

Explored explore(const Exploring& limits, const base::Mutations& mutations) {
  struct Waiting {
    World world;
    std::size_t id, depth;
  };
  Explored out;
  std::unordered_set<std::string> known;
  std::vector<Came> came{{0, "open"}};
  std::deque<Waiting> waiting;
  waiting.push_back({World(limits, mutations), 0, 0});
  known.insert(waiting.front().world.mark());
  std::size_t at = 0;
  try {
    while (!waiting.empty() && known.size() < limits.states_max) {
      const Waiting here = std::move(waiting.front());
      waiting.pop_front();
      at = here.id;
      out.depth = here.depth;
      here.world.check_exit();
      Steps(here.world, [&](World next, std::string what) {
        ++out.transitions;
        if (!known.insert(next.mark()).second) return;
        came.push_back({here.id, std::move(what)});
        at = came.size() - 1;
        next.check();
        waiting.push_back({std::move(next), at, here.depth + 1});
        at = here.id;
      }).all();
    }
    out.complete = waiting.empty();
  } catch (const std::exception& broken) {  // includes an invariant of the state itself
    out.held = false;
    out.invariant = broken.what();
    out.path = path_to(came, at);
  }
  out.states = known.size();
  return out;
}

}  // namespace troupe::escrow
