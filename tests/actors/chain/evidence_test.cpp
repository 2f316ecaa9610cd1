#include "actors/chain/logic/evidence.hpp"

#include "actors/chain/logic/header.hpp"
#include "runtime/crypto/hash.hpp"
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

TEST_CASE("evidence: a block has it by rising id, of the last heights, of validators that were not judged") {
  const ValidatorSet both = founders_of_golden();
  const std::set<base::NodeId> none, second{founder(2, 1).node()};
  std::vector<Evidence> pieces{two_votes(), two_proposals()};
  std::ranges::sort(pieces, {}, accused);
  const auto flaw_at = [&](const std::vector<Evidence>& list, const EvidenceView& view) {
    std::vector<base::Bytes> entries;
    for (const Evidence& one : list) entries.push_back(encode(one));
    const auto judged = judge_evidence(entries, view, id_of(golden_genesis()), by_key);
    for (std::size_t i = 0; judged.ok() && i < list.size(); ++i) CHECK(encode(judged.value()[i]) == entries[i]);
    return judged.ok() ? std::nullopt : std::optional(judged.error());
  };
  const EvidenceView view{{20}, both, both, none};
  CHECK(flaw_at({}, view) == std::nullopt);
  CHECK(flaw_at(pieces, view) == std::nullopt);
  CHECK(flaw_at({pieces[1], pieces[0]}, view) == EvidenceError::unordered);
  CHECK(flaw_at({pieces[0], pieces[0]}, view) == EvidenceError::unordered);
  SUBCASE("heights") {  // it is of height 9
    CHECK(flaw_at(pieces, {{9}, both, both, none}) == std::nullopt);
    CHECK(flaw_at(pieces, {{8}, both, both, none}) == EvidenceError::elsewhere);
    CHECK(flaw_at(pieces, {{9 + kEvidenceHeights}, both, both, none}) == std::nullopt);
    CHECK(flaw_at(pieces, {{10 + kEvidenceHeights}, both, both, none}) == EvidenceError::elsewhere);
    Vote vote = kGoldenVote, nil = kGoldenNil;
    vote.place.height = nil.place.height = Height{0};
    CHECK(flaw_at({{Evidence::Pair<Vote>{said_by(1, nil), said_by(1, vote)}}}, view) == EvidenceError::elsewhere);
  }
  SUBCASE("validators of this height or of the next one") {
    const ValidatorSet one = both.without(std::vector{founder(2, 1).node()});
    CHECK(flaw_at(pieces, {{20}, one, both, none}) == std::nullopt);
    CHECK(flaw_at(pieces, {{20}, both, one, none}) == std::nullopt);
    CHECK(flaw_at(pieces, {{20}, one, one, none}) == EvidenceError::stranger);
  }
  SUBCASE("judged") {
    CHECK(flaw_at(pieces, {{20}, both, both, second}) == EvidenceError::judged);
    CHECK(flaw_at({two_votes()}, {{20}, both, both, second}) == std::nullopt);
  }
  SUBCASE("not the bytes of evidence") {
    base::Bytes entry = encode(two_votes());
    entry.push_back(0);
    CHECK(judge_evidence(std::vector<base::Bytes>{entry}, view, id_of(golden_genesis()), by_key).error() ==
          EvidenceError::malformed);
  }
  SUBCASE("signed for another chain") {
    const std::vector<base::Bytes> entries{encode(two_votes())};
    CHECK(judge_evidence(entries, view, ChainId{}, by_key).error() == EvidenceError::bad_signature);
  }
}

TEST_CASE("evidence: what a proposer takes of it is what others accept, one piece for each validator") {
  const ValidatorSet both = founders_of_golden();
  const std::set<base::NodeId> none, second{founder(2, 1).node()};
  const EvidenceView view{{20}, both, both, none};
  Evidence old = two_votes();
  std::get<Evidence::Pair<Vote>>(old.pair).first.content.place.height = Height{0};
  const std::vector<Evidence> held{old, two_proposals(), two_votes(), turned<Vote>(two_votes())};
  const auto entries = evidence_for(held, view, kBlockBytesMin);
  CHECK(entries.size() == 2);
  CHECK(judge_evidence(entries, view, id_of(golden_genesis()), by_key).ok());
  CHECK(evidence_for(held, {{20}, both, both, second}, kBlockBytesMin) ==
        std::vector<base::Bytes>{encode(two_votes())});
  const std::size_t most = entry_bytes(entries[0].size()) + entry_bytes(entries[1].size());
  CHECK(evidence_for(held, view, kListShare * most).size() == 2);
  CHECK(evidence_for(held, view, kListShare * most - 1).size() == 1);
  CHECK(evidence_for(held, view, 0).empty());
}

TEST_CASE("evidence: what the state keeps of it has the bytes of another program") {
  const Judged judged{{12}, crypto::sha256(encode(two_votes()))};
  CHECK(base::hex(encode(judged)) == golden::kJudged);
  check_one_form(encode(judged), parse_judged);
}
