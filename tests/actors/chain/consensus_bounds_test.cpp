// What a peer may say, and how much of it is kept; and what a crash leaves.
#include "runtime/base/random.hpp"
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;
using std::nullopt;

TEST_CASE("consensus: what does not belong here is refused, and changes nothing") {
  OneHeight it;
  const Height other{8};
  SignedVote vote = it.vote(0, 0, Step::prevote, kRed);
  SignedProposal proposal = it.proposal(0, kRed);
  SUBCASE("another height") {
    vote.content.place.height = proposal.content.place.height = other;
    CHECK(it.receive(vote) == Rejected::elsewhere);
    CHECK(it.receive(proposal) == Rejected::elsewhere);
  }
  SUBCASE("another fork") {
    vote.content.place.fork = proposal.content.place.fork = Fork{1};
    CHECK(it.receive(vote) == Rejected::elsewhere);
    CHECK(it.receive(proposal) == Rejected::elsewhere);
  }
  SUBCASE("a stranger") {
    vote.validator = proposal.validator = base::NodeId{{77}};
    CHECK(it.receive(vote) == Rejected::stranger);
    CHECK(it.receive(proposal) == Rejected::stranger);
  }
  SUBCASE("out of turn") {
    proposal.validator = it.set().at(1).id;
    CHECK(it.receive(proposal) == Rejected::not_proposer);
  }
  SUBCASE("a valid round that is not before its round") {
    proposal.content.valid_round = Round{0};
    CHECK(it.receive(proposal) == Rejected::malformed);
  }
  SUBCASE("a time out of range") {
    proposal.content.time = kTimeMax + UnixMs{1};
    CHECK(it.receive(proposal) == Rejected::malformed);
    proposal.content.time = UnixMs::min();
    CHECK(it.receive(proposal) == Rejected::malformed);
  }
  SUBCASE("a round out of range") {
    vote.content.place.round = proposal.content.place.round = Round{kRoundMax.value + 1};
    CHECK(it.receive(vote) == Rejected::malformed);
    CHECK(it.receive(proposal) == Rejected::malformed);
    vote.content.place.round = Round{~std::uint32_t{0}};
    CHECK(it.receive(vote) == Rejected::malformed);
  }
  SUBCASE("a vote of no step") {
    vote.content.step = Step::propose;
    CHECK(it.receive(vote) == Rejected::malformed);
  }
  SUBCASE("a proposal of a round that is over, or two ahead") {
    CHECK(it.receive(it.proposal(2, kRed)) == Rejected::far);
    it.to_round(1);
    CHECK(it.receive(proposal) == Rejected::old);
    CHECK(it.receive(it.proposal(2, kRed)) == nullopt);
    return;
  }
  CHECK(it.core.votes().empty());
  CHECK(it.core.proposals().empty());
}

TEST_CASE("consensus: what was heard before is known, and counts once") {
  OneHeight it;
  CHECK(it.receive(it.proposal(0, kRed)) == nullopt);
  CHECK(it.receive(it.proposal(0, kRed)) == Rejected::known);
  for (int i = 0; i < 9; ++i)
    CHECK(it.receive(it.vote(0, 0, Step::precommit, kRed)) == (i == 0 ? nullopt : std::optional(Rejected::known)));
  it.block(kRed);
  CHECK_FALSE(it.core.decided());
}

TEST_CASE("consensus: two votes of one step are evidence, once a height, and the second one does not count") {
  OneHeight it;
  const SignedVote red = it.vote(0, 0, Step::prevote, kRed), blue = it.vote(0, 0, Step::prevote, kBlue);
  CHECK(it.receive(red) == nullopt);
  CHECK(it.receive(blue) == Rejected::contradicts);
  REQUIRE(it.all<Evidence>().size() == 1);
  CHECK(it.all<Evidence>()[0] == Evidence{Evidence::Pair<Vote>{red, blue}});
  CHECK(it.core.votes().size() == 1);
  it.receive(it.vote(0, 0, Step::prevote, nullopt));
  it.receive(it.vote(0, 0, Step::precommit, nullopt));
  it.receive(it.vote(0, 0, Step::precommit, kRed));
  CHECK(it.all<Evidence>().size() == 1);
  it.receive(it.vote(1, 0, Step::precommit, nullopt));
  it.receive(it.vote(1, 0, Step::precommit, kRed));
  CHECK(it.all<Evidence>().size() == 2);
}

TEST_CASE("consensus: two proposals of one round are evidence, and the first one stays") {
  OneHeight it;
  const SignedProposal red = it.proposal(0, kRed), blue = it.proposal(0, kBlue);
  it.receive(red);
  CHECK(it.receive(blue) == Rejected::contradicts);
  REQUIRE(it.all<Evidence>().size() == 1);
  CHECK(it.all<Evidence>()[0] == Evidence{Evidence::Pair<Proposal>{red, blue}});
  CHECK(it.core.proposals() == std::vector{red});
  CHECK(it.all<FetchBlock>().size() == 1);
}

TEST_CASE("consensus: a validator has the next round and its two latest beyond, however many it sends") {
  OneHeight it;
  CHECK(it.receive(it.vote(0, 1, Step::prevote, nullopt)) == nullopt);
  for (std::uint32_t round = 2; round < 5'000; ++round)
    for (const Step step : {Step::prevote, Step::precommit})
      CHECK(it.receive(it.vote(0, round, step, block_id(static_cast<std::uint8_t>(round)))) == nullopt);
  CHECK(it.core.votes().size() == 5);
  CHECK(it.core.place().round == Round{0});
  CHECK(it.receive(it.vote(0, 3, Step::prevote, nullopt)) == Rejected::far);
  CHECK(it.receive(it.vote(0, 4'998, Step::prevote, kRed)) == Rejected::contradicts);
  // Another one is found in either of them.
  CHECK(it.receive(it.vote(1, 4'998, Step::prevote, nullopt)) == nullopt);
  CHECK(it.core.place().round == Round{4'998});
}

TEST_CASE("consensus: votes of old rounds are let go, but for those that prove a value") {
  OneHeight it;
  it.lock_red();
  for (std::uint32_t round = 1; round <= 3 * kRoundsKept; ++round) it.to_round(round);
  // Two of to_round() and in its own turns its prevote; of round 0 three prevotes and its precommit.
  CHECK(it.core.votes().size() == 2 * kRoundsKept + kRoundsKept / 4 + 4);
  CHECK(it.receive(it.vote(2, 5, Step::prevote, nullopt)) == Rejected::old);
  CHECK(it.receive(it.vote(2, 0, Step::prevote, kRed)) == nullopt);
  CHECK(it.receive(it.vote(2, 2 * kRoundsKept + 1, Step::prevote, kRed)) == nullopt);
  // A proposal may name an old round: its prevotes are taken again.
  it.receive(it.proposal(3 * kRoundsKept, kBlue, 5));
  it.block(kBlue);
  it.votes({0, 1, 2}, 5, Step::prevote, kBlue);
  CHECK(it.prevoted(3 * kRoundsKept, kBlue));
}

TEST_CASE("consensus: the last round has no next one") {
  OneHeight it;
  it.to_round(kRoundMax.value);
  it.time_out(Step::precommit);
  CHECK(it.core.place().round == kRoundMax);
}

TEST_CASE("consensus: whatever is said, in whatever order, no invariant breaks") {
  for (std::uint64_t seed = 1; seed <= test::rounds(300, 30); ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    OneHeight it(random.below(5) < 4 ? std::optional<std::size_t>(random.below(4)) : nullopt);
    const auto round = [&] {
      const auto here = it.core.place().round.value;
      switch (random.below(8)) {
        case 0: return static_cast<std::uint32_t>(random.next());
        case 1: return static_cast<std::uint32_t>(here + random.below(200));
        case 2: return static_cast<std::uint32_t>(random.below(here + 1));
        default: return static_cast<std::uint32_t>(here + random.below(3));
      }
    };
    const auto choice = [&] {
      return random.chance(1, 3) ? Choice{} : Choice(block_id(std::uint8_t(random.below(4))));
    };
    for (int i = 0; i < 400; ++i) {
      switch (random.below(6)) {
        case 0: {
          SignedProposal proposal = it.proposal(round(), block_id(static_cast<std::uint8_t>(random.below(4))));
          if (random.chance(1, 2)) proposal.content.valid_round = Round{round()};
          if (random.chance(1, 4)) proposal.content.time = UnixMs(static_cast<std::int64_t>(random.next()));
          it.receive(proposal, random.chance(1, 9) ? UnixMs(static_cast<std::int64_t>(random.next() >> 8)) : kNow);
          break;
        }
        case 1:
          it.block(block_id(static_cast<std::uint8_t>(random.below(4))),
                   random.chance(1, 9) ? Verdict::invalid : Verdict::valid);
          break;
        case 2: it.time_out(static_cast<Step>(random.below(3))); break;
        default: it.receive(it.vote(random.below(4), round(), static_cast<Step>(random.below(4)), choice())); break;
      }
      REQUIRE(it.core.votes().size() < 2'000);
    }
    // Whatever was said: one vote a step.
    for (std::size_t i = 0; i < it.signed_votes.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const Vote &a = it.signed_votes[i], &b = it.signed_votes[j];
        CHECK_FALSE((a.place == b.place && a.step == b.step));
      }
  }
}

TEST_CASE("consensus: after a crash it goes on from the guard, and says the same again") {
  OneHeight before;
  before.lock_red();
  const Guard guard = before.all<Sign<Vote>>().back().guard;
  const std::vector<Keep> kept = before.all<Keep>();
  REQUIRE(kept.size() == 1);  // with the guard
  CHECK(kept[0].prevotes.size() == 3);

  OneHeight it(3, guard);
  CHECK(it.core.step() == Step::precommit);
  CHECK(it.signed_votes == before.signed_votes);
  CHECK(it.core.locked() == Proven{Round{}, kRed});
  CHECK(it.core.valid() == Proven{Round{}, kRed});
  CHECK(it.all<FetchBlock>().size() == 1);  // from its own disk
  for (const SignedVote& vote : kept[0].prevotes) it.receive(vote);
  it.to_round(3);  // its own turn
  CHECK(it.all<Sign<Proposal>>().empty());
  it.block(kRed);
  REQUIRE(it.all<Sign<Proposal>>().size() == 1);
  CHECK(it.all<Sign<Proposal>>()[0].content.valid_round == Round{0});
  CHECK(it.all<Keep>().empty());  // still on the disk
  CHECK(it.prevoted(3, kRed));
}

TEST_CASE("consensus: after a crash a proposer proposes the same again") {
  OneHeight before(0);
  before.built(kRed);
  const Sign<Proposal> sign = before.all<Sign<Proposal>>()[0];
  OneHeight it(0, sign.guard);
  CHECK(it.all<BuildBlock>().empty());
  REQUIRE(it.all<Sign<Proposal>>().size() == 1);
  CHECK(it.all<Sign<Proposal>>()[0].content == sign.content);
}

TEST_CASE("consensus: a guard of another height leaves no lock, and one of a later height lets nothing be signed") {
  OneHeight before;
  before.lock_red();
  OneHeight next(3, before.core.guard(), Height{8});
  CHECK_FALSE(next.core.locked());
  CHECK_FALSE(next.core.valid());
  CHECK(next.signed_votes.empty());

  OneHeight late(3, Guard::past(Fork{}, Height{7}));
  late.time_out(Step::propose);
  CHECK(late.signed_votes.empty());
  CHECK(late.core.refused() == 0);  // it is older, and no second content
  OneHeight resumed(3, Guard::past(Fork{}, Height{7}), Height{8});
  resumed.time_out(Step::propose);
  CHECK(resumed.signed_votes.size() == 1);
}
