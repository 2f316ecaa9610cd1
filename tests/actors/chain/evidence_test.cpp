#include "actors/chain/logic/evidence.hpp"

#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/one_form.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

Evidence two_votes() { return {Evidence::Pair<Vote>{said_by(1, kGoldenVote), said_by(1, kGoldenNil)}}; }
Evidence two_proposals() { return {Evidence::Pair<Proposal>{said_by(2, kGoldenProposal), said_by(2, kGoldenAgain)}}; }

template <class Content>
Evidence turned(const Evidence& evidence) {
  const auto& pair = std::get<Evidence::Pair<Content>>(evidence.pair);
  return {Evidence::Pair<Content>{pair.second, pair.first}};
}

std::optional<EvidenceError> evidence_flaw(const Evidence& evidence) {
  const auto verified = verify(evidence, id_of(golden_genesis()), founders_of_golden(), by_key);
  return verified.ok() ? std::nullopt : std::optional(verified.error());
}

}  // namespace

TEST_CASE("evidence: its bytes are those of another program, whichever content came first") {
  CHECK(base::hex(encode(two_votes())) == golden::kEvidenceVotes);
  CHECK(base::hex(encode(turned<Vote>(two_votes()))) == golden::kEvidenceVotes);
  CHECK(base::hex(encode(two_proposals())) == golden::kEvidenceProposals);
  CHECK(base::hex(encode(turned<Proposal>(two_proposals()))) == golden::kEvidenceProposals);
  Proposal other = kGoldenAgain;
  other.block = filled_block(0xb2);
  const Evidence largest{Evidence::Pair<Proposal>{said_by(2, kGoldenAgain), said_by(2, other)}};
  CHECK(encode(largest).size() == kEvidenceBytesMax);
  CHECK(parse_evidence(encode(largest)).has_value());
}

TEST_CASE("evidence: any two contents of one step are read back, and any other two are not") {
  CHECK(rc::check([] {
    const SignedVote first = some_signed(some_vote());
    SignedVote second = some_signed(some_vote());
    if (*rc::gen::inRange(0, 4) > 0) second.content.place = first.content.place;
    if (*rc::gen::inRange(0, 4) > 0) second.content.step = first.content.step;
    if (*rc::gen::inRange(0, 4) > 0) second.validator = first.validator;
    if (*rc::gen::inRange(0, 4) == 0) second.content.choice = first.content.choice;
    const bool lie = second.content.place == first.content.place && second.content.step == first.content.step &&
                     second.validator == first.validator && second.content.choice != first.content.choice;
    const Evidence evidence{Evidence::Pair<Vote>{first, second}};
    const auto read = parse_evidence(encode(evidence));
    RC_ASSERT(read.has_value() == lie);
    if (lie) RC_ASSERT(*read == evidence || *read == turned<Vote>(evidence));
  }));
  CHECK(rc::check([] {
    const SignedProposal first = some_signed(some_proposal());
    SignedProposal second = some_signed(some_proposal());
    if (*rc::gen::inRange(0, 4) > 0) second.content.place = first.content.place;
    if (*rc::gen::inRange(0, 4) > 0) second.validator = first.validator;
    const bool lie = second.content.place == first.content.place && second.validator == first.validator &&
                     second.content != first.content;
    const Evidence evidence{Evidence::Pair<Proposal>{first, second}};
    const auto read = parse_evidence(encode(evidence));
    RC_ASSERT(read.has_value() == lie);
    if (lie) RC_ASSERT(*read == evidence || *read == turned<Proposal>(evidence));
  }));
}

TEST_CASE("evidence: whatever bytes are read are the one encoding of what they say") {
  check_one_form(encode(two_votes()), parse_evidence);
  check_one_form(encode(two_proposals()), parse_evidence);
}

TEST_CASE("evidence: it proves a lie of a validator, by two signatures of its key") {
  CHECK(evidence_flaw(two_votes()) == std::nullopt);
  CHECK(evidence_flaw(two_proposals()) == std::nullopt);
  CHECK(accused(two_votes()) == founder(1, 1).node());
  CHECK(place_of(two_proposals()) == kGoldenPlace);
  auto votes = std::get<Evidence::Pair<Vote>>(two_votes().pair);
  SUBCASE("the same twice") {
    votes.second = votes.first;
    CHECK(evidence_flaw({votes}) == EvidenceError::no_conflict);
  }
  SUBCASE("of two validators") {
    votes.second = said_by(2, kGoldenNil);
    CHECK(evidence_flaw({votes}) == EvidenceError::no_conflict);
  }
  SUBCASE("in two steps, rounds, heights or forks") {
    for (Vote other :
         {Vote{kGoldenPlace, Step::prevote, {}}, Vote{{kGoldenFork, {9}, {3}}, Step::precommit, {}},
          Vote{{kGoldenFork, {8}, {2}}, Step::precommit, {}}, Vote{{{8}, {9}, {2}}, Step::precommit, {}}}) {
      votes.second = said_by(1, other);
      CHECK(evidence_flaw({votes}) == EvidenceError::no_conflict);
    }
  }
  SUBCASE("of a stranger") {
    votes = {said_by(3, kGoldenVote), said_by(3, kGoldenNil)};
    CHECK(evidence_flaw({votes}) == EvidenceError::stranger);
  }
  SUBCASE("a signature that is wrong") {
    for (SignedVote* one : {&votes.first, &votes.second}) {
      one->signature.bytes[0] ^= 1;
      CHECK(evidence_flaw({votes}) == EvidenceError::bad_signature);
      one->signature.bytes[0] ^= 1;
    }
  }
  SUBCASE("signatures for another chain") {
    CHECK(verify(two_votes(), ChainId{}, founders_of_golden(), by_key).error() == EvidenceError::bad_signature);
  }
}
