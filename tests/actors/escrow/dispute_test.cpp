#include <rapidcheck.h>

#include <set>

#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

const std::vector<Arbiter> kThree{
    {person(20), Amount::of(10)}, {person(21), Amount::of(10)}, {person(22), Amount::of(10)}};

OneEscrow drawn_escrow(Agreement made = agreement(), std::vector<Arbiter> candidates = kThree) {
  OneEscrow one(std::move(made));
  one.to_disputed();
  one.candidates = std::move(candidates);
  one.to_deadline();
  REQUIRE(one.fire().ok());
  CHECK(one.escrow.drawn.size() == 1);
  return one;
}

auto rules(OneEscrow& one, const Address& arbiter, std::uint64_t pay) {
  return one.command(Acted{{one.escrow.id, arbiter, 1, Rule{Amount::of(pay)}}});
}

}  // namespace

TEST_CASE(
    "escrow dispute: who has lost pays a fifth of the bond to the arbiter, rounded up, and the rest to the winner") {
  OneEscrow one = drawn_escrow(agreement(100, 16));
  const Address arbiter = one.escrow.drawn.back();
  SUBCASE("the provider") {
    REQUIRE(rules(one, arbiter, 49).ok());
    CHECK(one.ended(Stage::released, 51 + 16 + 12, 47, 2));
    CHECK(one.paid[arbiter] == 4);
  }
  SUBCASE("the buyer, from half of the price on") {
    REQUIRE(rules(one, arbiter, 50).ok());
    CHECK(one.ended(Stage::released, 50, 48 + 16 + 12, 2));
    CHECK(one.paid[arbiter] == 4);
  }
  SUBCASE("nothing is released") {
    REQUIRE(rules(one, arbiter, 0).ok());
    CHECK(one.ended(Stage::refunded, 100 + 16 + 12, 0, 0));
  }
  CHECK(rules(one, arbiter, 100).error() == EscrowError::state);
}

TEST_CASE("escrow dispute: without bonds the arbiter has 1 % of the price, from both alike if both have it") {
  struct Ruling {
    std::uint64_t pay, buyer, provider, fund;
  };
  for (const Ruling ruling : {Ruling{500, 495, 470, 25}, Ruling{0, 990, 0, 0}, Ruling{1'000, 0, 940, 50},
                              Ruling{2, 990, 0, 0}, Ruling{998, 0, 941, 49}}) {
    CAPTURE(ruling.pay);
    OneEscrow one = drawn_escrow(agreement(1'000, 0));
    const Address arbiter = one.escrow.drawn.back();
    REQUIRE(rules(one, arbiter, ruling.pay).ok());
    CHECK(one.ended(ruling.pay > 0 ? Stage::released : Stage::refunded, ruling.buyer, ruling.provider, ruling.fund));
    CHECK(one.paid[arbiter] == 10);
  }
}

TEST_CASE("escrow dispute: a silent arbiter loses its bond, another is drawn, and after three it is half each") {
  OneEscrow one = drawn_escrow();
  std::vector<Address> drawn{one.escrow.drawn.back()};
  for (std::size_t round = 2; round <= 3; ++round) {
    one.to_deadline();
    REQUIRE(one.fire().ok());
    drawn.push_back(one.escrow.drawn.back());
    CHECK(one.escrow.deadline == one.now + one.escrow.terms.arbiter_term);
    CHECK(rules(one, drawn.front(), 50).error() == EscrowError::party);  // its turn is over
  }
  CHECK(drawn == one.escrow.drawn);
  std::ranges::sort(drawn);
  CHECK(drawn == std::vector{person(20), person(21), person(22)});  // each once
  one.to_deadline();
  REQUIRE(one.fire().ok());
  CHECK(one.ended(Stage::released, 50 + 15, 48 + 15, 2));
  REQUIRE(one.forfeited.size() == 3);
  for (std::size_t round = 1; round <= 3; ++round) {
    CHECK(one.forfeited[round - 1].arbiter == one.escrow.drawn[round - 1]);
    CHECK(one.forfeited[round - 1].round == round);
  }
}

TEST_CASE("escrow dispute: the parties' bytes are those that they committed to, and a provider's first act has them") {
  OneEscrow one;
  one.to_delivered();
  CHECK(one.buyer(Dispute{secret_of(Party::provider)}).error() == EscrowError::commitment);
  CHECK(one.provider(Dispute{secret_of(Party::provider)}).error() == EscrowError::party);
  REQUIRE(one.buyer(Dispute{secret_of(Party::buyer)}).ok());
  CHECK(one.provider(Propose{Amount::of(50)}).error() == EscrowError::commitment);
  CHECK(one.provider(Propose{Amount::of(50), secret_of(Party::buyer)}).error() == EscrowError::commitment);
  REQUIRE(one.provider(Propose{Amount::of(50), secret_of(Party::provider)}).ok());
  REQUIRE(one.provider(Propose{Amount::of(60)}).ok());  // later ones need none
  CHECK(one.provider(Deliver{cid(2)}).error() == EscrowError::state);
  REQUIRE(one.buyer(Agree{one.proposal()}).ok());
  CHECK(one.ended(Stage::released, 40 + 15, 57 + 15, 3));
}

TEST_CASE("escrow dispute: nothing is proposed or ruled below what is released, or above the price") {
  Agreement made = agreement();
  OneEscrow one(made);
  one.to_running();
  REQUIRE(one.buyer(Progress{Amount::of(40)}).ok());
  REQUIRE(one.provider(Deliver{cid(1)}).ok());
  REQUIRE(one.buyer(Dispute{secret_of(Party::buyer)}).ok());
  CHECK(one.buyer(Propose{Amount::of(39)}).error() == EscrowError::amount);
  CHECK(one.buyer(Propose{Amount::of(101)}).error() == EscrowError::amount);
  one.candidates = kThree;
  one.to_deadline();
  REQUIRE(one.fire().ok());
  CHECK(rules(one, one.escrow.drawn.back(), 39).error() == EscrowError::amount);
  CHECK(rules(one, one.escrow.drawn.back(), 101).error() == EscrowError::amount);
  REQUIRE(rules(one, one.escrow.drawn.back(), 40).ok());
  CHECK(one.ended(Stage::released, 60 + 15 + 12, 38, 2));
}

TEST_CASE("escrow draw: who joined after the escrow was proposed is not drawn, whatever its bond") {
  const Arbiter latecomer{person(30), Amount::of(1'000'000), kBegin + UnixMs(1)};
  OneEscrow one;
  one.to_disputed();
  one.candidates = {latecomer, {person(20), Amount::of(1), kBegin}};
  one.to_deadline();
  REQUIRE(one.fire().ok());
  CHECK(one.escrow.drawn == std::vector{person(20)});
  OneEscrow none;
  none.to_disputed();
  none.candidates = {latecomer};
  none.to_deadline();
  REQUIRE(none.fire().ok());
  CHECK(none.ended(Stage::released, 50 + 15, 48 + 15, 2));
}

// A party that was there with one bond had all others pushed out by larger ones, and was drawn for certain.
TEST_CASE("escrow draw: a bond buys its part of all bonds of then, however many have gone since") {
  int drawn = 0;
  for (int i = 0; i < 200; ++i) {
    Reveal reveal;
    reveal.bytes[0] = static_cast<std::uint8_t>(i);
    const std::vector<Arbiter> left{{person(20), Amount::of(100)}};
    drawn += draw(draw_seed({}, reveal, {}, {}), 1, left, {}, Amount::of(1'000)) ? 1 : 0;
    CHECK(draw(draw_seed({}, reveal, {}, {}), 1, left, {}, Amount::of(100)));
  }
  CHECK(drawn < 45);  // 20, and five standard deviations
  CHECK(drawn > 0);
  OneEscrow one;
  one.to_disputed();
  one.candidates = {{person(20), Amount::of(1)}};
  one.to_deadline();
  REQUIRE(one.command(Fire{UnixMs(0), one.candidates, secret_of_book(), Amount::of(1'000'000'000)}).ok());
  CHECK(one.ended(Stage::released, 50 + 15, 48 + 15, 2));
}

TEST_CASE(
    "escrow draw: the book commits when the provider signs, and what it shows of a round tells nothing of the next") {
  OneEscrow one;
  CHECK_FALSE(one.escrow.book);
  one.to_disputed();
  one.candidates = kThree;
  for (std::size_t round = 1; round <= kRoundsMax; ++round) {
    const Commitment before = one.escrow.book.value();
    one.to_deadline();
    REQUIRE(one.fire().ok());
    CHECK(one.escrow.drawn.size() == round);
    CHECK(commitment_of(Reveal{one.escrow.book->bytes}) == before);
  }
  CHECK(Reveal{one.escrow.book->bytes} == secret_of_book());
  // Bytes to which it has not committed do not follow.
  Reveal other;
  other.bytes.fill(14);
  CHECK_FALSE(fits(one.escrow, BookRevealed{other}));
  CHECK_FALSE(fits(one.escrow, BookCommitted{commitment_of(other)}));
}

TEST_CASE("escrow draw: neither party knows it from its own bytes and those of the other") {
  std::set<Address> drawn;
  for (std::uint8_t book = 0; book < 64; ++book) {
    Reveal secret;
    secret.bytes.fill(book);
    const auto seed = draw_seed({}, secret_of(Party::buyer), secret_of(Party::provider), book_bytes(secret, 1));
    drawn.insert(draw(seed, 1, kThree, {})->address);
  }
  CHECK(drawn.size() == kThree.size());
}

TEST_CASE("escrow draw: an escrow of an earlier version has its commitment when it is drawn for") {
  OneEscrow one;
  one.to_disputed();
  one.escrow.book.reset();
  one.candidates = kThree;
  for (std::size_t round = 1; round <= kRoundsMax; ++round) {
    one.to_deadline();
    const auto decided = decide(one.escrow, Fire{UnixMs(0), one.candidates, secret_of_book()}, one.now);
    REQUIRE(decided.ok());
    for (const Event& event : decided.value().events) {
      CHECK(fits(one.escrow, event));
      one.apply(event);
    }
  }
  CHECK(one.escrow.drawn.size() == kRoundsMax);
}

TEST_CASE("escrow draw: the same seed and candidates draw the same arbiter, in any order; parties are never drawn") {
  const base::Digest seed = draw_seed({}, secret_of(Party::buyer), secret_of(Party::provider), secret_of_book());
  auto reversed = kThree;
  std::ranges::reverse(reversed);
  CHECK(draw(seed, 1, kThree, {})->address == draw(seed, 1, reversed, {})->address);
  CHECK_FALSE(draw(seed, 1, {}, {}));
  const std::vector<Address> all{person(20), person(21), person(22)};
  CHECK_FALSE(draw(seed, 1, kThree, all));
  CHECK(draw(seed, 1, kThree, std::vector{all[0], all[2]})->address == all[1]);
  CHECK_FALSE(draw(seed, 1, std::vector{Arbiter{all[0], Amount()}}, {}));
}

TEST_CASE("escrow draw: bonds that came within a week, and those of the parties, leave no gap when they go") {
  const UnixMs now = 2 * kSettledAfter;
  const Agreement between = agreement();
  const std::vector<Arbiter> all{{person(20), Amount::of(1), UnixMs(0)},
                                 {person(21), Amount::of(3), now - kSettledAfter},
                                 {person(22), Amount::of(900), now - kSettledAfter + UnixMs(1)},
                                 {between.buyer, Amount::of(50), UnixMs(0)}};
  CHECK(settled_bonds(all, between, now) == Amount::of(4));
}

TEST_CASE("escrow draw: each is drawn as often as its bond says") {
  const std::vector<Arbiter> weighted{
      {person(20), Amount::of(1)}, {person(21), Amount::of(3)}, {person(22), Amount::of(6)}};
  std::map<Address, int> drawn;
  Reveal reveal;
  for (int i = 0; i < 2'000; ++i) {
    reveal.bytes[0] = static_cast<std::uint8_t>(i);
    reveal.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    ++drawn[draw(draw_seed({}, reveal, {}, {}), 1, weighted, {})->address];
  }
  // Within 5 standard deviations of 200, 600 and 1200.
  CHECK(std::abs(drawn[person(20)] - 200) < 68);
  CHECK(std::abs(drawn[person(21)] - 600) < 103);
  CHECK(std::abs(drawn[person(22)] - 1'200) < 110);
}
