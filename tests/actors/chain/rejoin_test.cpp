#include "actors/chain/logic/rejoin.hpp"

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

constexpr BlockId kFirstBlock{{1}}, kSecondBlock{{2}};
constexpr base::Duration kWait = 30s;
constexpr base::Instant kStart{100s};

base::NodeId id(std::uint8_t number) { return base::NodeId{{number}}; }

/// Validators 1, 2 and so on, with these powers.
std::shared_ptr<const ValidatorSet> set_of(const std::vector<std::uint64_t>& powers) {
  std::vector<Validator> all;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const auto number = static_cast<std::uint8_t>(i + 1);
    all.push_back({id(number), base::PublicKey{{number, 9}}, powers[i]});
  }
  return std::make_shared<const ValidatorSet>(ValidatorSet::from(std::move(all)).value());
}

Place spot(std::uint64_t height, std::uint32_t round = 0, std::uint32_t fork = 0) {
  return {Fork{fork}, Height{height}, Round{round}};
}
SignedVote prevote_at(const Place& place, const Choice& choice = kFirstBlock, std::uint8_t by = 1) {
  return {Vote{place, Step::prevote, choice}, id(by)};
}
SignedVote precommit_at(const Place& place, const Choice& choice = kFirstBlock, std::uint8_t by = 1) {
  return {Vote{place, Step::precommit, choice}, id(by)};
}
SignedProposal proposal_at(const Place& place, const BlockId& block = kFirstBlock, std::uint8_t by = 1) {
  return {Proposal{place, {}, block}, id(by)};
}

/// Has proposed and prevoted at height 5, round 2.
Guard guard_at_5() {
  Guard out;
  out.record(proposal_at(spot(5, 2)).content, {}, {});
  out.record(prevote_at(spot(5, 2)).content, {}, {});
  return out;
}

/// Validator 1 of validators with these powers.
Rejoin rejoin(const std::vector<std::uint64_t>& powers) {
  return Rejoin(id(1), set_of(powers), guard_at_5(), kWait, kStart);
}

}  // namespace

TEST_CASE("rejoin: what the guard has recorded is known, what is later or contradicts it is not") {
  const Guard guard = guard_at_5();
  CHECK(!unknown_to(guard, prevote_at(spot(5, 2))));
  CHECK(!unknown_to(guard, proposal_at(spot(5, 2))));
  CHECK(!unknown_to(guard, precommit_at(spot(5, 1))));
  CHECK(!unknown_to(guard, precommit_at(spot(4, 9))));
  CHECK(unknown_to(guard, precommit_at(spot(5, 2))));
  CHECK(unknown_to(guard, prevote_at(spot(5, 2), kSecondBlock)));
  CHECK(unknown_to(guard, prevote_at(spot(5, 2), std::nullopt)));
  CHECK(unknown_to(guard, proposal_at(spot(5, 2), kSecondBlock)));
  CHECK(unknown_to(guard, proposal_at(spot(5, 3))));
  CHECK(unknown_to(guard, prevote_at(spot(6))));
  CHECK(unknown_to(guard, prevote_at(spot(1, 0, 1))));  // of a later fork

  SUBCASE("a guard that was lost knows nothing") { CHECK(unknown_to(Guard(), proposal_at(spot(1)))); }
  SUBCASE("one that was passed knows all up to that height") {
    const Guard past = Guard::past(Fork{}, Height{9});
    CHECK(!unknown_to(past, precommit_at(spot(9, 7))));
    CHECK(unknown_to(past, prevote_at(spot(10))));
  }
}

TEST_CASE("rejoin: of each validator the latest content is remembered") {
  LatestContents latest;
  CHECK(latest.of(id(1)) == nullptr);
  CHECK(latest.news(prevote_at(spot(5))));
  latest.hear(prevote_at(spot(5)));
  CHECK(!latest.news(prevote_at(spot(5), kSecondBlock)));
  CHECK(!latest.news(proposal_at(spot(5))));
  CHECK(!latest.news(precommit_at(spot(4, 9))));
  latest.hear(precommit_at(spot(4, 9)));
  CHECK(*latest.of(id(1)) == SignedContent(prevote_at(spot(5))));
  latest.hear(precommit_at(spot(5)));
  CHECK(*latest.of(id(1)) == SignedContent(precommit_at(spot(5))));
  latest.hear(proposal_at(spot(5, 1)));
  CHECK(*latest.of(id(1)) == SignedContent(proposal_at(spot(5, 1))));
  latest.hear(prevote_at(spot(1, 0, 1)));
  CHECK(moment_of(*latest.of(id(1))) == Moment{spot(1, 0, 1), Step::prevote});

  latest.hear(prevote_at(spot(3), kFirstBlock, 2));
  latest.hear(prevote_at(spot(3), kFirstBlock, 3));
  CHECK(latest.size() == 3);
  latest.keep(*set_of({1, 1}));
  CHECK(latest.size() == 2);
  CHECK(latest.of(id(3)) == nullptr);
}

TEST_CASE("rejoin: a validator with more than 2/3 of the power alone never waits") {
  CHECK(rejoin({1}).state() == RejoinState::free);
  CHECK(rejoin({7, 3}).state() == RejoinState::free);
  CHECK(rejoin({2, 1}).state() == RejoinState::asking);  // exactly 2/3
}

TEST_CASE("rejoin: it signs at once when more than 2/3, itself included, know nothing later") {
  Rejoin one = rejoin({1, 1, 1, 1});
  CHECK(one.state() == RejoinState::asking);
  CHECK(one.asks(id(2)));
  CHECK(!one.asks(id(1)));
  CHECK(!one.asks(id(9)));
  one.hear(id(2), {false}, kStart);
  CHECK(one.state() == RejoinState::asking);
  CHECK(!one.asks(id(2)));
  one.hear(id(2), {false}, kStart);  // twice is once
  one.hear(id(1), {false}, kStart);  // not by itself
  one.hear(id(9), {false}, kStart);  // a stranger
  CHECK(one.heard_power() == 2);
  CHECK(one.state() == RejoinState::asking);
  one.show(prevote_at(spot(5, 2)), kStart);  // the guard knows it
  one.hear(id(3), {false}, kStart);
  CHECK(one.state() == RejoinState::free);
  CHECK(!one.asks(id(4)));

  SUBCASE("what comes later changes nothing") {
    one.show(prevote_at(spot(8)), kStart);
    one.hear(id(4), {true}, kStart);
    CHECK(one.state() == RejoinState::free);
    CHECK(!one.behind());
    CHECK(one.waiting_power() == 0);
  }
}

TEST_CASE("rejoin: it signs once it has the blocks that over 1/3 have, and no liar can name one that it waits for") {
  Rejoin one = rejoin({1, 1, 1, 1});
  one.head_is(Height{5}, kStart);
  one.hear(id(2), {false, Height{UINT64_MAX}}, kStart);
  CHECK(one.caught_up());
  one.hear(id(3), {false, Height{7}}, kStart);
  CHECK(one.others_have() == Height{7});
  CHECK(one.state() == RejoinState::asking);
  one.head_is(Height{6}, kStart);
  CHECK(one.state() == RejoinState::asking);
  SUBCASE("its blocks tell nothing") {
    one.head_is(Height{7}, kStart);
    CHECK(one.state() == RejoinState::free);
  }
  SUBCASE("a commit in them has its own signature") {
    one.show(precommit_at(spot(7)), kStart);
    one.hear(id(4), {false, Height{7}}, kStart);
    CHECK(!one.over(kStart + kWait));
    one.head_is(Height{7}, kStart);
    CHECK(one.over(kStart + kWait));
  }
}

TEST_CASE("rejoin: one that waits is no answer until it does not wait") {
  Rejoin one = rejoin({1, 1, 1, 1});
  one.hear(id(2), {true}, kStart);
  one.hear(id(3), {false}, kStart);
  CHECK(one.state() == RejoinState::asking);
  CHECK(one.asks(id(2)));
  one.hear(id(2), {false}, kStart);
  CHECK(one.state() == RejoinState::free);
}

TEST_CASE("rejoin: what is later than the guard makes it wait, and it goes on past all that was shown") {
  Rejoin one = rejoin({1, 1, 1, 1});
  one.show(prevote_at(spot(7, 3)), kStart);
  CHECK(one.behind());
  CHECK(one.state() == RejoinState::waiting);
  CHECK(!one.due());
  one.hear(id(2), {false}, kStart);
  one.hear(id(3), {false}, kStart + 1s);
  // 2 of 4: half may wait, as far as is known.
  CHECK(!one.due());
  CHECK(!one.over(kStart + 1h));
  one.hear(id(4), {false}, kStart + 2s);
  REQUIRE(one.due().has_value());
  CHECK(*one.due() == kStart + 2s + kWait);
  one.show(precommit_at(spot(9)), kStart + 3s);
  one.show(prevote_at(spot(8)), kStart + 4s);
  CHECK(one.last() == spot(9));
  CHECK(one.asks(id(2)));
  CHECK(one.unheard().empty());
  CHECK(!one.over(kStart + 2s + kWait - 1ns));
  CHECK(one.over(kStart + 2s + kWait));
  CHECK(one.state() == RejoinState::waiting);
  one.passed();
  CHECK(one.state() == RejoinState::free);
  CHECK(!one.over(kStart + 1h));

  SUBCASE("a later fork is later than any height") {
    Rejoin other = rejoin({1, 1, 1, 1});
    other.show(prevote_at(spot(90)), kStart);
    other.show(prevote_at(spot(2, 0, 1)), kStart);
    CHECK(other.last() == spot(2, 0, 1));
  }
}

TEST_CASE("rejoin: a third of the power may wait, more of it never goes on by itself") {
  SUBCASE("exactly a third") {
    Rejoin one = rejoin({1, 1, 1});
    one.show(prevote_at(spot(7)), kStart);
    one.hear(id(2), {false}, kStart);
    CHECK(!one.due());
    one.hear(id(3), {false}, kStart);
    CHECK(one.over(kStart + kWait));
  }
  SUBCASE("two of four") {
    Rejoin one = rejoin({1, 1, 1, 1});
    one.show(prevote_at(spot(7)), kStart);
    for (std::uint8_t i = 2; i <= 4; ++i) one.hear(id(i), {false}, kStart);
    CHECK(one.due().has_value());
    one.hear(id(2), {true}, kStart + 1s);
    CHECK(one.state() == RejoinState::stuck);
    CHECK(one.waiting_power() == 2);
    CHECK(!one.over(kStart + 1h));
    // That one was released: the wait begins again.
    one.hear(id(2), {false}, kStart + 5s);
    CHECK(one.state() == RejoinState::waiting);
    CHECK(one.due() == std::optional(kStart + 5s + kWait));
  }
}

TEST_CASE("rejoin: a person lets it sign once all have been heard, past all that is known") {
  Rejoin one = rejoin({1, 1, 1, 1});
  const auto refusal = [&](std::uint64_t from, std::uint64_t head) {
    const auto may = one.may_release(Height{from}, Height{head});
    return may.ok() ? std::nullopt : std::optional(may.error());
  };
  CHECK(refusal(100, 4) == ReleaseError::unheard);
  one.show(prevote_at(spot(7)), kStart);
  one.hear(id(2), {true}, kStart);
  one.hear(id(3), {false}, kStart);
  CHECK(refusal(100, 4) == ReleaseError::unheard);
  CHECK(one.unheard() == std::vector{id(4)});
  one.hear(id(4), {true}, kStart);
  CHECK(one.state() == RejoinState::stuck);
  CHECK(one.release_from(Height{4}) == Height{8});
  CHECK(refusal(7, 4) == ReleaseError::low);
  CHECK(refusal(8, 4) == std::nullopt);
  CHECK(refusal(8, 8) == ReleaseError::low);
  CHECK(refusal(9, 8) == std::nullopt);
  CHECK(refusal(8 + Rejoin::kReleaseAheadMax, 4) == std::nullopt);
  CHECK(refusal(9 + Rejoin::kReleaseAheadMax, 4) == ReleaseError::high);
  CHECK(refusal(UINT64_MAX, 4) == ReleaseError::high);
  one.passed();
  CHECK(refusal(8, 4) == ReleaseError::free);
}

TEST_CASE("rejoin: who leaves the set is not waited for, and outside the set nothing is signed") {
  Rejoin one = rejoin({1, 1, 1, 1});
  one.hear(id(4), {false}, kStart);
  CHECK(one.state() == RejoinState::asking);
  SUBCASE("an answer leaves with its validator") {
    one.validators_are(set_of({1, 1, 1}), kStart);
    CHECK(one.heard_power() == 1);
    one.hear(id(2), {false}, kStart);
    CHECK(one.state() == RejoinState::asking);
    one.hear(id(3), {false}, kStart);
    CHECK(one.state() == RejoinState::free);
  }
  SUBCASE("the set is small enough now") {
    one.validators_are(set_of({3, 1}), kStart);
    CHECK(one.state() == RejoinState::free);
  }
  SUBCASE("it left itself, and comes back") {
    const auto others = std::make_shared<const ValidatorSet>(
        ValidatorSet::from({{id(2), base::PublicKey{{2, 9}}, 1}, {id(3), base::PublicKey{{3, 9}}, 1}}).value());
    one.validators_are(others, kStart);
    CHECK(one.state() == RejoinState::free);
    CHECK(!one.asks(id(2)));
    one.validators_are(set_of({1, 1, 1, 1}), kStart);
    CHECK(one.state() == RejoinState::asking);
  }
}
