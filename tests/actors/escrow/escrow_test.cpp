#include "actors/escrow/logic/escrow.hpp"

#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

TEST_CASE("escrow: signed, paid in, started, delivered and accepted: the provider has the price less the fund's part") {
  OneEscrow one;
  CHECK(one.escrow.stage == Stage::proposed);
  one.to_delivered();
  REQUIRE(one.buyer(Accept{one.delivery(), 0}).ok());
  CHECK(one.ended(Stage::released, 15, 95 + 15, 5));
}

TEST_CASE("escrow: each state ends at its deadline with neither party acting") {
  OneEscrow one;
  const auto at_deadline = [&] {
    one.now = one.escrow.deadline - UnixMs(1);
    CHECK(one.fire().error() == EscrowError::early);
    one.to_deadline();
    REQUIRE(one.fire().ok());
  };
  SUBCASE("unsigned: expired") {
    CHECK(one.escrow.deadline == kBegin + 24 * kHour);
    at_deadline();
    CHECK(one.ended(Stage::expired, 0, 0, 0));
  }
  SUBCASE("not paid in: expired, all back") {
    one.sign();
    one.fund(Party::buyer);
    at_deadline();
    CHECK(one.ended(Stage::expired, 115, 0, 0));
  }
  SUBCASE("not started: refunded, the provider's bond to the buyer") {
    one.to_funded();
    at_deadline();
    CHECK(one.ended(Stage::refunded, 130, 0, 0));
  }
  SUBCASE("not delivered: likewise, less what was earned") {
    one.to_running();
    REQUIRE(one.buyer(Progress{Amount::of(40)}).ok());
    at_deadline();
    CHECK(one.ended(Stage::refunded, 60 + 30, 38, 2));
  }
  SUBCASE("not reviewed: released") {
    one.to_delivered();
    CHECK(one.escrow.deadline == one.now + 72 * kHour);
    at_deadline();
    CHECK(one.ended(Stage::released, 15, 110, 5));
  }
  SUBCASE("disputed, and no arbiter to draw: half each, bonds back") {
    one.to_disputed();
    at_deadline();
    CHECK(one.ended(Stage::released, 50 + 15, 48 + 15, 2));
  }
  SUBCASE("held by a guard: expired") {
    REQUIRE(one.act(Party::provider, Sign{}, Verdict::hold).ok());
    CHECK(one.escrow.stage == Stage::held);
    at_deadline();
    CHECK(one.ended(Stage::expired, 0, 0, 0));
  }
  // It comes again, and is no error.
  const auto paid = one.paid;
  CHECK(one.fire().ok());
  CHECK(one.paid == paid);
}

TEST_CASE("escrow: a deadline waits for the ledger, and for the grace after an outage; acts are taken until it fires") {
  OneEscrow one;
  one.to_delivered();
  one.to_deadline();
  const UnixMs back = one.now - UnixMs(1);
  CHECK(one.fire(back).error() == EscrowError::early);
  CHECK(one.escrow.stage == Stage::delivered);
  SUBCASE("it fires once the book was back for the grace") {
    one.now = back + kHour - UnixMs(1);
    CHECK(one.fire(back).error() == EscrowError::early);
    one.now = back + kHour;
    CHECK(one.fire(back).ok());
    CHECK(one.escrow.stage == Stage::released);
  }
  SUBCASE("the buyer disputes meanwhile") {
    REQUIRE(one.buyer(Dispute{secret_of(Party::buyer)}).ok());
    CHECK(one.escrow.stage == Stage::disputed);
  }
  SUBCASE("no deadline decides while the end of a transfer is not known") {
    OneEscrow other;
    other.sign();
    REQUIRE(other.buyer(Fund{{}, Amount::of(115)}).ok());
    other.to_deadline();
    CHECK(other.fire().error() == EscrowError::unconfirmed);
    REQUIRE(other.command(DepositRefused{}).ok());
    CHECK(other.fire().ok());
    CHECK(other.escrow.stage == Stage::expired);
  }
}

TEST_CASE("escrow: a thousand payments of progress pay as one") {
  OneEscrow one(agreement(1'000'000'007, 0));
  one.to_running();
  std::uint64_t earned = 0;
  for (int i = 0; i < 999; ++i) {
    earned += 1'000'000 + static_cast<std::uint64_t>(i);
    REQUIRE(one.buyer(Progress{Amount::of(earned)}).ok());
    CHECK(one.paid[kFund] == earned / 20);
    CHECK(one.paid[kProvider] == earned - earned / 20);
  }
  REQUIRE(one.buyer(Progress{Amount::of(1'000'000'007)}).ok());
  CHECK(one.ended(Stage::released, 0, 1'000'000'007 - 50'000'000, 50'000'000));
}

TEST_CASE("escrow: where payments cost a fee, what is due gathers until it is an eighth of the price, or the end") {
  SUBCASE("a small price is paid at the end, in one payment") {
    OneEscrow one(agreement(200, 0));
    one.paying = Paying::gathered;
    one.to_running();
    for (std::uint64_t earned = 1; earned < 200; ++earned) REQUIRE(one.buyer(Progress{Amount::of(earned)}).ok());
    CHECK(one.payments == 0);
    CHECK(one.escrow.settled());
    SUBCASE("by the last act") {
      REQUIRE(one.buyer(Progress{Amount::of(200)}).ok());
      CHECK(one.ended(Stage::released, 0, 190, 10));
    }
    SUBCASE("by the deadline, which it does not hold up") {
      one.to_deadline();
      REQUIRE(one.fire().ok());
      CHECK(one.ended(Stage::refunded, 1, 199 - 9, 9));
    }
    CHECK(one.payments == 1);
  }
  SUBCASE("a large one in eight payments and the last one at most, at the bound and not before") {
    const std::uint64_t price = kGatheredPart * kGatheredMin;
    OneEscrow one(agreement(price, 0));
    one.paying = Paying::gathered;
    one.to_running();
    REQUIRE(one.buyer(Progress{Amount::of(kGatheredMin - 1)}).ok());
    CHECK(one.payments == 0);
    REQUIRE(one.buyer(Progress{Amount::of(kGatheredMin)}).ok());
    CHECK(one.payments == 1);
    CHECK(one.paid[kFund] == kGatheredMin / 20);
    for (std::uint64_t earned = kGatheredMin + 500; earned < price; earned += 500)
      REQUIRE(one.buyer(Progress{Amount::of(earned)}).ok());
    REQUIRE(one.buyer(Progress{Amount::of(price)}).ok());
    CHECK(one.ended(Stage::released, 0, price - price / 20, price / 20));
    CHECK(one.payments <= kGatheredPart + 1);
  }
}

TEST_CASE("escrow: milestones are paid one by one; the last one ends it; none is paid twice") {
  OneEscrow one(agreement(47, 10, {Amount::of(19), Amount::of(28)}));
  one.to_running();
  CHECK(one.buyer(Accept{std::nullopt, 3}).error() == EscrowError::milestone);
  CHECK(one.buyer(Progress{Amount::of(5)}).error() == EscrowError::milestone);
  REQUIRE(one.buyer(Accept{std::nullopt, 2}).ok());
  CHECK(one.paid[kProvider] == 27);
  REQUIRE(one.buyer(Accept{std::nullopt, 2}).ok());  // has its effect already
  CHECK(one.paid[kProvider] == 27);
  CHECK(one.escrow.stage == Stage::running);
  REQUIRE(one.buyer(Accept{std::nullopt, 1}).ok());
  CHECK(one.ended(Stage::released, 10, 45 + 10, 2));
}

TEST_CASE("escrow: what is accepted is what is there: a delivery and a proposal are named by their hash") {
  OneEscrow one;
  one.to_delivered();
  const base::Digest first = one.delivery();
  REQUIRE(one.provider(Deliver{cid(2)}).ok());
  CHECK(one.buyer(Accept{first, 0}).error() == EscrowError::changed);
  CHECK(one.buyer(Accept{}).error() == EscrowError::changed);
  REQUIRE(one.provider(Propose{Amount::of(40)}).ok());
  const base::Digest forty = one.proposal();
  REQUIRE(one.provider(Propose{Amount::of(90)}).ok());
  CHECK(one.buyer(Agree{forty}).error() == EscrowError::changed);
  CHECK(one.provider(Agree{one.proposal()}).error() == EscrowError::changed);  // its own
  REQUIRE(one.buyer(Agree{one.proposal()}).ok());
  CHECK(one.ended(Stage::released, 10 + 15, 86 + 15, 4));
  // Another escrow of the same terms has other hashes.
  Agreement twin = agreement();
  twin.nonce[0] = 1;
  OneEscrow other(twin);
  other.to_delivered();
  CHECK(other.buyer(Accept{first, 0}).error() == EscrowError::changed);
}

TEST_CASE("escrow: an act that comes again changes nothing, and an older one is refused") {
  OneEscrow one;
  one.to_running();
  REQUIRE(one.buyer(Propose{Amount::of(10)}).ok());
  const Act old{one.escrow.id, kBuyer, one.numbers[0], Propose{Amount::of(10)}};
  REQUIRE(one.buyer(Propose{Amount::of(90)}).ok());
  const Act latest{one.escrow.id, kBuyer, one.numbers[0], Propose{Amount::of(90)}};
  CHECK(one.command(Acted{old}).error() == EscrowError::replayed);
  CHECK(one.command(Acted{latest}).ok());
  CHECK(one.escrow.proposal->pay == Amount::of(90));
  Act elsewhere{{}, kBuyer, 100, Cancel{}};
  CHECK(one.command(Acted{elsewhere}).error() == EscrowError::party);
  CHECK(one.command(Acted{{one.escrow.id, kStranger, 100, Cancel{}}}).error() == EscrowError::party);
}

TEST_CASE("escrow: a cancellation and an extension need both parties; alone, each may withdraw before all is paid in") {
  OneEscrow one;
  one.sign();
  SUBCASE("alone") {
    one.fund(Party::buyer);
    REQUIRE(one.provider(Cancel{}).ok());
    CHECK(one.ended(Stage::expired, 115, 0, 0));
  }
  SUBCASE("both cancel") {
    one.fund(Party::buyer);
    one.fund(Party::provider);
    REQUIRE(one.buyer(Cancel{}).ok());
    REQUIRE(one.buyer(Cancel{}).ok());
    CHECK(one.escrow.stage == Stage::funded);
    CHECK(one.escrow.offers[0].has_value());
    REQUIRE(one.provider(Cancel{}).ok());
    CHECK(one.ended(Stage::refunded, 115, 15, 0));
  }
  SUBCASE("both extend") {
    one.fund(Party::buyer);
    one.fund(Party::provider);
    const Extend longer{Extended::start, {Due::Kind::at, kBegin + 500 * kHour}};
    REQUIRE(one.provider(longer).ok());
    REQUIRE(one.buyer(Extend{Extended::start, {Due::Kind::at, kBegin + 501 * kHour}}).ok());  // another offer
    CHECK(one.escrow.deadline == kBegin + 24 * kHour);
    REQUIRE(one.buyer(longer).ok());
    CHECK(one.escrow.deadline == kBegin + 500 * kHour);
    CHECK(one.buyer(Extend{Extended::start, {Due::Kind::at, one.now}}).error() == EscrowError::times);
    CHECK(one.buyer(Extend{Extended::start, {Due::Kind::after, kSpanMax + UnixMs(1)}}).error() == EscrowError::times);
  }
}

TEST_CASE("escrow: a credit counts if an act announced it, once, and goes back if it is late") {
  OneEscrow one;
  one.sign();
  SUBCASE("unannounced, by a stranger and by a party, it changes nothing") {
    REQUIRE(one.arrive(kStranger, 7, 1).ok());
    REQUIRE(one.arrive(kBuyer, 115, 2).ok());
    CHECK(one.paid.empty());
    CHECK(one.escrow.held == Amount());
    CHECK(one.escrow.deposited[0] == Amount());
    one.fund(Party::buyer);
    one.fund(Party::provider);
    CHECK(one.escrow.stage == Stage::funded);
  }
  SUBCASE("the later credit may arrive first") {
    REQUIRE(one.buyer(Fund{{{1}}, Amount::of(115)}).ok());
    REQUIRE(one.provider(Fund{{{2}}, Amount::of(15)}).ok());
    REQUIRE(one.command(Arrived{2, {{2}}, kProvider, Amount::of(15)}).ok());
    REQUIRE(one.command(Arrived{1, {{1}}, kBuyer, Amount::of(115)}).ok());
    CHECK(one.escrow.stage == Stage::funded);
    CHECK(one.escrow.held == Amount::of(130));
  }
  SUBCASE("told twice, it is counted once") {
    one.fund(Party::buyer);
    --one.sequence;
    REQUIRE(one.arrive(kBuyer, 115, 50).ok());
    CHECK(one.paid.empty());
  }
  SUBCASE("after the end") {
    REQUIRE(one.buyer(Fund{{{1}}, Amount::of(115)}).ok());
    REQUIRE(one.buyer(Cancel{}).ok());
    REQUIRE(one.command(Arrived{1, {{1}}, kBuyer, Amount::of(115)}).ok());
    CHECK(one.ended(Stage::expired, 115, 0, 0));
  }
  SUBCASE("another amount is not what is due") {
    CHECK(one.buyer(Fund{{}, Amount::of(100)}).error() == EscrowError::amount);
    CHECK(one.buyer(Fund{{}, Amount::of(116)}).error() == EscrowError::amount);
  }
}

TEST_CASE("escrow: payments go out one at a time, the same after a refusal and after a crash") {
  OneEscrow one;
  one.to_running();
  one.ledger_answers = false;
  REQUIRE(one.buyer(Progress{Amount::of(20)}).ok());
  const wallet::Transfer first = one.escrow.outgoing.bound().value();
  REQUIRE(one.buyer(Progress{Amount::of(40)}).ok());
  CHECK(one.escrow.outgoing.bound() == first);
  CHECK(std::get<SendPayment>(unfinished(one.escrow).at(0)).transfer == first);
  const auto refused = decide(one.escrow, PaymentRefused{id_of(first)}, one.now);
  CHECK(std::get<SendPayment>(refused.value().effects.at(0)).transfer == first);
  CHECK(refused.value().events.empty());
  REQUIRE(one.command(PaymentConfirmed{id_of(first)}).ok());
  const wallet::Transfer second = one.escrow.outgoing.bound().value();
  CHECK(second.number == next(first.number));
  REQUIRE(one.command(PaymentConfirmed{id_of(first)}).ok());  // late
  CHECK(one.escrow.outgoing.bound() == second);
  REQUIRE(one.command(PaymentConfirmed{id_of(second)}).ok());
  CHECK(one.escrow.confirmed());
  CHECK(one.escrow.paid == Payouts{{kProvider, Role::provider, Amount::of(38), Why::release},
                                   {kFund, Role::fund, Amount::of(2), Why::release}});
}

TEST_CASE("escrow: nothing is begun with less than a tenth of the next time left") {
  Agreement made = agreement();
  made.terms.deliver = {Due::Kind::at, kBegin + 100 * kHour};
  OneEscrow one(made);
  one.wait(20 * kHour);
  one.to_funded();
  const Extend start{Extended::start, {Due::Kind::at, kBegin + 200 * kHour}};
  REQUIRE(one.buyer(start).ok());
  REQUIRE(one.provider(start).ok());
  one.now = kBegin + 90 * kHour + UnixMs(1);
  CHECK(one.provider(Start{}).error() == EscrowError::late);
  one.now = kBegin + 90 * kHour;
  CHECK(one.provider(Start{}).ok());
}

// A buyer who paid late had the provider's bond: each start was refused, and the deadline took it.
TEST_CASE("escrow: a provider that could not begin any more loses no bond") {
  const Payouts back{{kBuyer, Role::buyer, Amount::of(100), Why::refund},
                     {kBuyer, Role::buyer, Amount::of(15), Why::bond},
                     {kProvider, Role::provider, Amount::of(15), Why::bond}};
  Agreement made = agreement();
  made.terms.fund_by = 1'000 * kHour;
  made.terms.deliver = {Due::Kind::at, kBegin + 100 * kHour};
  SUBCASE("as the buyer has paid late") {
    OneEscrow one(made);
    one.wait(95 * kHour);
    one.to_funded();
    CHECK(one.provider(Start{}).error() == EscrowError::late);
    one.to_deadline();
    REQUIRE(one.fire().ok());
    CHECK(one.escrow.stage == Stage::refunded);
    CHECK(one.escrow.paid == back);
  }
  // A date for the review, so late that each delivery before its deadline was refused.
  SUBCASE("but it does if it begins, or lets its time to deliver pass, on purpose") {
    made.terms.deliver = {Due::Kind::after, 90 * kHour};
    made.terms.review = {Due::Kind::at, kBegin + 100 * kHour};
    OneEscrow one(made);
    one.to_funded();
    one.wait(20 * kHour);
    REQUIRE(one.provider(Start{}).ok());
    one.now = kBegin + 95 * kHour;
    CHECK(one.provider(Deliver{cid(1)}).error() == EscrowError::late);
    one.to_deadline();
    REQUIRE(one.fire().ok());
    CHECK(one.escrow.paid.back() == Payout{kBuyer, Role::buyer, Amount::of(15), Why::forfeit});

    OneEscrow late(made);
    const Extend start{Extended::start, {Due::Kind::after, 200 * kHour}};
    late.to_funded();
    REQUIRE(late.buyer(start).ok());
    REQUIRE(late.provider(start).ok());
    late.wait(95 * kHour);
    CHECK(late.provider(Start{}).error() == EscrowError::late);
  }
  SUBCASE("but it does if it could have") {
    OneEscrow one(made);
    one.wait(1 * kHour);
    one.to_funded();
    one.to_deadline();
    REQUIRE(one.fire().ok());
    CHECK(one.escrow.paid.back() == Payout{kBuyer, Role::buyer, Amount::of(15), Why::forfeit});
  }
}

TEST_CASE("escrow: a guard refuses, or holds before any money has moved") {
  OneEscrow one;
  CHECK(one.act(Party::provider, Sign{}, Verdict::refuse).error() == EscrowError::guard);
  REQUIRE(one.act(Party::provider, Sign{commitment_of(secret_of(Party::provider))}, Verdict::hold).ok());
  CHECK(one.buyer(Fund{{}, Amount::of(115)}).error() == EscrowError::state);
  REQUIRE(one.command(Looked{}).ok());
  CHECK(one.escrow.stage == Stage::created);
  CHECK(one.act(Party::buyer, Fund{{}, Amount::of(115)}, Verdict::refuse).error() == EscrowError::guard);
  CHECK(one.buyer(Fund{{}, Amount::of(115)}).ok());
}

TEST_CASE("escrow: show says what happens without an act") {
  OneEscrow one;
  CHECK(sentence(one.escrow) ==
        "deadline 2023-11-15T22:13:20Z: without an act until then it is expired, and no money has moved");
  one.to_delivered();
  CHECK(sentence(one.escrow) == "deadline 2023-11-17T22:13:20Z: without an act until then 110 to " + text(kProvider) +
                                    ", 5 to the fund, 15 to " + text(kBuyer));
  REQUIRE(one.buyer(Dispute{secret_of(Party::buyer)}).ok());
  CHECK(sentence(one.escrow) == "deadline 2023-11-16T22:13:20Z: without an act until then an arbiter is drawn");
  one.to_deadline();
  REQUIRE(one.fire().ok());
  CHECK(sentence(one.escrow) == "released: final");
}
