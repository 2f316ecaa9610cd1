// The rules of Algorithm 1, one by one.
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;
using std::nullopt;

TEST_CASE("consensus: a block that a quorum prevotes is locked, and one that a quorum precommits is decided") {
  OneHeight it;
  it.receive(it.proposal(0, kRed));
  REQUIRE(it.all<FetchBlock>().size() == 1);
  CHECK(it.all<FetchBlock>()[0].block == kRed);
  CHECK_FALSE(it.voted(0, Step::prevote));  // not before all its transactions are here
  it.block(kRed);
  CHECK(it.prevoted(0, kRed));
  it.votes({0}, 0, Step::prevote, kRed);
  CHECK_FALSE(it.core.locked());  // two of four
  it.votes({1}, 0, Step::prevote, kRed);
  CHECK(it.precommitted(0, kRed));
  CHECK(it.core.locked() == Proven{Round{}, kRed});
  CHECK(it.all<Sign<Vote>>().back().guard.locked() == Proven{Round{}, kRed});

  it.votes({1}, 0, Step::precommit, kRed);
  CHECK_FALSE(it.core.decided());
  it.votes({2}, 0, Step::precommit, kRed);
  CHECK(it.core.decided());
  const auto decided = it.all<Decided>();
  REQUIRE(decided.size() == 1);
  CHECK(decided[0].commit.vote() == Vote{it.place(0), Step::precommit, kRed});
  CHECK(decided[0].commit.votes.size() == 3);
  const auto any = [](const base::PublicKey&, base::ByteView, const crypto::Signature&) { return true; };
  CHECK(
      verify_commit(ChainId{}, it.set(), {Fork{}, decided[0].commit.place.height, kRed}, decided[0].commit, any).ok());
  CHECK(it.receive(it.vote(0, 0, Step::precommit, kRed)) == Rejected::decided);
}

TEST_CASE("consensus: nil is prevoted for what may not become a block") {
  OneHeight it;
  SUBCASE("an invalid block") {
    it.receive(it.proposal(0, kRed));
    it.block(kRed, Verdict::invalid);
  }
  SUBCASE("a block of another time than its proposal says") {
    it.receive(it.proposal(0, kRed));
    it.block(kRed, Verdict::valid, kNow + UnixMs{1});
  }
  SUBCASE("a time that is not later than the parent's") {
    it.receive(it.proposal(0, kRed, {}, kParentTime), kParentTime);
  }
  SUBCASE("a time beyond the precision of clocks") { it.receive(it.proposal(0, kRed, {}, kNow + UnixMs{501})); }
  SUBCASE("a time longer ago than a proposal may take") { it.receive(it.proposal(0, kRed), kNow + UnixMs{2'501}); }
  SUBCASE("no proposal until the time-out") { it.time_out(Step::propose); }
  SUBCASE("no block until the time-out") {
    it.receive(it.proposal(0, kRed));
    it.time_out(Step::propose);
  }
  CHECK(it.prevoted(0, nullopt));
}

TEST_CASE("consensus: a time at the edges of precision and delay is fine, and both grow with the round") {
  OneHeight it;
  SUBCASE("ahead") {
    it.receive(it.proposal(0, kRed, {}, kNow + UnixMs{500}));
    it.block(kRed, Verdict::valid, kNow + UnixMs{500});
    CHECK(it.prevoted(0, kRed));
  }
  SUBCASE("behind") {
    it.receive(it.proposal(0, kRed), kNow + UnixMs{2'500});
    it.block(kRed);
    CHECK(it.prevoted(0, kRed));
  }
  SUBCASE("in round 2 they are twice as long") {
    it.to_round(2);
    it.receive(it.proposal(2, kRed), kNow + UnixMs{5'000});
    it.block(kRed);
    CHECK(it.prevoted(2, kRed));
  }
  SUBCASE("what counts is when the proposal came, not when its block did or its round began") {
    it.receive(it.proposal(1, kRed), kNow);
    it.to_round(1);
    it.block(kRed);
    CHECK(it.prevoted(1, kRed));
  }
}

TEST_CASE("consensus: a parent from the future is followed by the next millisecond alone") {
  const UnixMs set_right = kParentTime - std::chrono::hours{24};
  OneHeight it;
  SUBCASE("the next millisecond") {
    it.receive(it.proposal(0, kRed, {}, kParentTime + UnixMs{1}), set_right);
    it.block(kRed, Verdict::valid, kParentTime + UnixMs{1});
    CHECK(it.prevoted(0, kRed));
  }
  SUBCASE("a later one") {
    it.receive(it.proposal(0, kRed, {}, kParentTime + UnixMs{2}), set_right);
    it.block(kRed, Verdict::valid, kParentTime + UnixMs{2});
    CHECK(it.prevoted(0, nullopt));
  }
  SUBCASE("the date of the parent again") {
    it.receive(it.proposal(0, kRed, {}, kParentTime), set_right);
    CHECK(it.prevoted(0, nullopt));
  }
  SUBCASE("the next millisecond, after clocks have passed the parent's date by far") {
    it.receive(it.proposal(0, kRed, {}, kParentTime + UnixMs{1}), kNow);
    it.block(kRed, Verdict::valid, kParentTime + UnixMs{1});
    CHECK(it.prevoted(0, nullopt));
  }
}

TEST_CASE("consensus: a quorum of nil prevotes is a nil precommit, and lets no lock go") {
  OneHeight it;
  it.lock_red();
  it.to_round(1);
  it.time_out(Step::propose);
  it.votes({0, 1}, 1, Step::prevote, nullopt);
  CHECK(it.precommitted(1, nullopt));
  CHECK(it.core.locked() == Proven{Round{}, kRed});
}

TEST_CASE("consensus: time-outs lead to nil and to the next round, and are set once") {
  OneHeight it;
  CHECK(it.scheduled(Step::propose, 0) == 1);
  it.time_out(Step::propose);
  CHECK(it.prevoted(0, nullopt));
  it.time_out(Step::propose);  // late: harmless
  it.votes({0}, 0, Step::prevote, kRed);
  CHECK(it.scheduled(Step::prevote, 0) == 0);
  it.votes({1, 2}, 0, Step::prevote, kBlue);
  CHECK(it.scheduled(Step::prevote, 0) == 1);
  CHECK(it.core.step() == Step::prevote);
  it.time_out(Step::prevote);
  CHECK(it.precommitted(0, nullopt));
  it.votes({0, 1, 2}, 0, Step::precommit, nullopt);
  CHECK(it.scheduled(Step::precommit, 0) == 1);
  it.time_out(Step::precommit);
  CHECK(it.core.place().round == Round{1});
  CHECK(it.signed_votes.size() == 2);
  it.core.timeout({it.place(0), Step::propose});  // of a round that is over
  CHECK(it.core.step() == Step::propose);
}

TEST_CASE("consensus: spans grow by half of the first one in each round, up to an hour") {
  CHECK(grown(UnixMs{1'000}, Round{0}) == UnixMs{1'000});
  CHECK(grown(UnixMs{1'000}, Round{1}) == UnixMs{1'500});
  CHECK(grown(UnixMs{1'000}, Round{4}) == UnixMs{3'000});
  CHECK(grown(UnixMs{1'000}, kRoundMax) == kSpanMax);
  CHECK(grown(UnixMs::max(), kRoundMax) == kSpanMax);
  CHECK(grown(UnixMs{-5}, Round{9}) == UnixMs{0});
}

TEST_CASE("consensus: a lock holds against another block until a later quorum is shown") {
  OneHeight it;
  it.lock_red();
  it.to_round(1);
  SUBCASE("another block without a valid round") {
    it.receive(it.proposal(1, kBlue));
    CHECK(it.prevoted(1, nullopt));
  }
  SUBCASE("the locked block, anew") {
    it.receive(it.proposal(1, kRed));
    CHECK(it.prevoted(1, kRed));
  }
  SUBCASE("another block that claims a quorum which is not shown") {
    it.receive(it.proposal(1, kBlue, 0));
    it.block(kBlue);
    CHECK_FALSE(it.voted(1, Step::prevote));
    it.time_out(Step::propose);
    CHECK(it.prevoted(1, nullopt));
  }
}

TEST_CASE("consensus: a new block names the validator whose turn it is, and each block a validator") {
  const base::NodeId other = OneHeight().set().at(1).id;
  {
    OneHeight it;
    it.receive(it.proposal(0, kRed));
    it.block_of(other, kRed);
    CHECK(it.prevoted(0, nullopt));
  }
  for (const bool stranger : {false, true}) {
    OneHeight it;
    it.to_round(2);
    it.receive(it.proposal(2, kRed, 0));
    it.block_of(stranger ? base::NodeId{} : other, kRed);
    it.votes({0, 1, 2}, 0, Step::prevote, kRed);
    CHECK(it.prevoted(2, stranger ? Choice() : Choice(kRed)));
  }
}

TEST_CASE("consensus: a quorum that is older than the lock does not open it") {
  OneHeight it;
  it.lock_red();
  it.to_round(2);
  it.receive(it.proposal(2, kRed));
  it.votes({2, 0}, 2, Step::prevote, kRed);
  REQUIRE(it.core.locked() == Proven{Round{2}, kRed});
  it.to_round(5);
  it.votes({0, 1, 2}, 1, Step::prevote, kBlue);
  it.receive(it.proposal(5, kBlue, 1));
  CHECK(it.prevoted(5, nullopt));
}

TEST_CASE("consensus: a lock gives way to a later quorum that is shown") {
  OneHeight it;
  it.lock_red();
  it.to_round(2);
  it.receive(it.proposal(2, kBlue, 1));
  it.block(kBlue);
  CHECK_FALSE(it.voted(2, Step::prevote));
  it.votes({1, 2}, 1, Step::prevote, kBlue);
  CHECK_FALSE(it.voted(2, Step::prevote));
  it.votes({0}, 1, Step::prevote, kBlue);
  CHECK(it.prevoted(2, kBlue));
  CHECK(it.core.locked() == Proven{Round{}, kRed});  // until a quorum prevotes in this round
  // Validator 0 lies: it prevoted nil in round 2, and now blue as well. Each vote counts for its own choice.
  it.votes({2, 0}, 2, Step::prevote, kBlue);
  CHECK(it.core.locked() == Proven{Round{2}, kBlue});
  CHECK(it.precommitted(2, kBlue));
}

TEST_CASE("consensus: what got a quorum is proposed again, with its round, whatever the clock says by then") {
  OneHeight it;
  it.lock_red();
  it.to_round(3);  // its own turn
  CHECK(it.all<BuildBlock>().empty());
  REQUIRE(it.all<Sign<Proposal>>().size() == 1);
  CHECK(it.all<Sign<Proposal>>()[0].content == it.proposal(3, kRed, 0).content);

  OneHeight other(2);
  other.to_round(3);
  other.receive(other.proposal(3, kRed, 0), kNow + std::chrono::hours{9});
  other.block(kRed);
  other.votes({0, 1, 3}, 0, Step::prevote, kRed);
  CHECK(other.prevoted(3, kRed));
}

TEST_CASE("consensus: a value proposed again still has to be later than its parent") {
  OneHeight it;
  it.to_round(1);
  it.receive(it.proposal(1, kRed, 0, kParentTime));
  CHECK(it.prevoted(1, nullopt));
}

TEST_CASE("consensus: a quorum that comes late makes a value valid without a lock") {
  OneHeight it;
  it.receive(it.proposal(0, kRed));
  it.block(kRed);
  it.votes({0}, 0, Step::prevote, kRed);
  it.time_out(Step::prevote);
  REQUIRE(it.precommitted(0, nullopt));
  it.votes({1}, 0, Step::prevote, kRed);
  CHECK(it.core.valid() == Proven{Round{}, kRed});
  CHECK_FALSE(it.core.locked());
}

TEST_CASE("consensus: a proposer asks for a block once, and proposes what was built for this round") {
  OneHeight it(0);
  REQUIRE(it.all<BuildBlock>().size() == 1);
  SUBCASE("in time") {
    it.built(kRed);
    it.built(kBlue);  // was not asked for
    CHECK(it.all<Sign<Proposal>>().size() == 1);
    CHECK(it.prevoted(0, kRed));
  }
  SUBCASE("too late") {
    it.time_out(Step::propose);
    it.built(kRed);
    CHECK(it.all<Sign<Proposal>>().empty());
  }
  SUBCASE("for a round that is over") {
    it.to_round(1);
    it.core.built(Round{0}, kRed, kNow);
    CHECK(it.core.take().empty());
  }
  CHECK(it.all<BuildBlock>().size() == 1);
}

TEST_CASE("consensus: more than a third in a later round take this validator there, and less do not") {
  OneHeight it;
  it.votes({0}, 5, Step::prevote, nullopt);
  it.votes({0}, 5, Step::precommit, nullopt);  // the same validator: its power counts once
  CHECK(it.core.place().round == Round{0});
  it.votes({1}, 5, Step::precommit, nullopt);
  CHECK(it.core.place().round == Round{5});
  CHECK(it.core.proposer().id == it.set().at(1).id);
  CHECK(it.scheduled(Step::propose, 5) == 1);
}

TEST_CASE("consensus: a quorum of precommits decides in whatever round, once its block is here") {
  OneHeight it;
  it.to_round(9);
  it.votes({0, 1, 2}, 4, Step::precommit, kRed);
  CHECK_FALSE(it.core.decided());
  REQUIRE(it.all<FetchBlock>().size() == 1);
  SUBCASE("and valid") {
    it.block(kRed);
    REQUIRE(it.all<Decided>().size() == 1);
    CHECK(it.all<Decided>()[0].commit.place == it.place(4));
  }
  SUBCASE("if it is invalid here, that is said once, and nothing is decided") {
    it.block(kRed, Verdict::invalid);
    it.block(kRed);
    it.votes({0}, 9, Step::precommit, nullopt);
    CHECK(it.all<Diverged>().size() == 1);
    CHECK_FALSE(it.core.decided());
  }
}

TEST_CASE("consensus: without a block of a quorum nothing is locked") {
  OneHeight it;
  it.time_out(Step::propose);
  it.votes({0, 1, 2}, 0, Step::prevote, kRed);
  CHECK(it.all<FetchBlock>().size() == 1);
  CHECK_FALSE(it.core.locked());
  CHECK_FALSE(it.voted(0, Step::precommit));
  it.block(kRed);
  CHECK(it.precommitted(0, kRed));
}

TEST_CASE("consensus: a node that is no validator decides, and signs nothing") {
  OneHeight it(nullopt);
  it.receive(it.proposal(0, kRed));
  it.block(kRed);
  it.votes({0, 1, 2}, 0, Step::prevote, kRed);
  CHECK(it.core.valid() == Proven{Round{}, kRed});
  it.votes({0, 1, 2}, 0, Step::precommit, kRed);
  CHECK(it.core.decided());
  CHECK(it.signed_votes.empty());
}
