#include "actors/chain/logic/vote.hpp"

#include <capnp/message.h>

#include "messages/chain.capnp.h"
#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/one_form.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

template <class Reader>
base::Bytes vote_by_capnp(Reader reader) {
  const auto words = capnp::canonicalize(reader);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

kj::ArrayPtr<const kj::byte> block_view(const BlockId& id) { return {id.bytes.data(), id.bytes.size()}; }

}  // namespace

TEST_CASE("vote: votes and proposals, signed or not, are those of another program") {
  CHECK(base::hex(encode(kGoldenVote)) == golden::kVote);
  CHECK(base::hex(encode(kGoldenNil)) == golden::kVoteNil);
  CHECK(base::hex(encode(kGoldenProposal)) == golden::kProposal);
  CHECK(base::hex(encode(kGoldenAgain)) == golden::kProposalAgain);
  CHECK(base::hex(encode(said_by(1, kGoldenVote))) == golden::kSignedVote);
  CHECK(base::hex(encode(said_by(2, kGoldenAgain))) == golden::kSignedProposal);
}

TEST_CASE("vote: what is signed has a domain, the chain and the fork before it") {
  const ChainId demo{{0xaa}};
  const std::string before =
      "aa00000000000000000000000000000000000000000000000000000000000000"
      "07000000";
  CHECK(base::hex(signed_bytes(demo, kGoldenVote)) ==
        base::hex(test::bytes_of("troupe vote v1")) + before + std::string(golden::kVote));
  CHECK(base::hex(signed_bytes(demo, kGoldenProposal)) ==
        base::hex(test::bytes_of("troupe proposal v1")) + before + std::string(golden::kProposal));
}

TEST_CASE("vote: the bytes are what Cap'n Proto makes of the schema") {
  CHECK(rc::check([] {
    const Vote vote = some_vote();
    capnp::MallocMessageBuilder one;
    auto wire = one.initRoot<wire::Vote>();
    wire.setHeight(vote.place.height.value);
    wire.setFork(vote.place.fork.value);
    wire.setRound(vote.place.round.value);
    wire.setStep(static_cast<std::uint8_t>(vote.step));
    if (vote.choice) wire.setBlock(block_view(*vote.choice));
    RC_ASSERT(encode(vote) == vote_by_capnp(wire.asReader()));

    const Proposal proposal = some_proposal();
    capnp::MallocMessageBuilder other;
    auto asked = other.initRoot<wire::Proposal>();
    asked.setHeight(proposal.place.height.value);
    asked.setFork(proposal.place.fork.value);
    asked.setRound(proposal.place.round.value);
    asked.setTimeMs(static_cast<std::uint64_t>(proposal.time.count()));
    asked.setAgain(proposal.valid_round.has_value());
    asked.setValidRound(proposal.valid_round.value_or(Round{}).value);
    asked.setBlock(block_view(proposal.block));
    RC_ASSERT(encode(proposal) == vote_by_capnp(asked.asReader()));
  }));
}

TEST_CASE("vote: votes and proposals are read as they were written, and are within their bounds") {
  CHECK(rc::check("any content", [] {
    const SignedVote vote = some_signed(some_vote());
    RC_ASSERT(parse_vote(encode(vote.content)) == vote.content);
    RC_ASSERT(parse_signed_vote(encode(vote)) == vote);
    RC_ASSERT(encode(vote).size() <= kSignedVoteBytesMax);
    const SignedProposal proposal = some_signed(some_proposal());
    RC_ASSERT(parse_proposal(encode(proposal.content)) == proposal.content);
    RC_ASSERT(parse_signed_proposal(encode(proposal)) == proposal);
    RC_ASSERT(encode(proposal).size() <= kSignedProposalBytesMax);
  }));
  CHECK(encode(said_by(1, kGoldenVote)).size() == kSignedVoteBytesMax);
  CHECK(encode(said_by(1, kGoldenAgain)).size() == kSignedProposalBytesMax);
}

TEST_CASE("vote: whatever bytes are read are the one encoding of what they say") {
  check_one_form(encode(kGoldenVote), parse_vote);
  check_one_form(encode(kGoldenNil), parse_vote);
  check_one_form(encode(kGoldenProposal), parse_proposal);
  check_one_form(encode(kGoldenAgain), parse_proposal);
  check_one_form(encode(said_by(1, kGoldenNil)), parse_signed_vote);
  check_one_form(encode(said_by(1, kGoldenAgain)), parse_signed_proposal);
  CHECK(rc::check("any bytes", [&](const base::Bytes& bytes) {
    if (const auto vote = parse_vote(bytes)) RC_ASSERT(encode(*vote) == bytes);
    if (const auto proposal = parse_proposal(bytes)) RC_ASSERT(encode(*proposal) == bytes);
  }));
}

TEST_CASE("vote: a step that is not voted in, and a time out of range, are not read") {
  base::Bytes bytes = encode(kGoldenVote);
  REQUIRE(bytes[24] == 2);
  for (const int step : {0, 3, 255}) {
    bytes[24] = static_cast<std::uint8_t>(step);
    CHECK_FALSE(parse_vote(bytes));
  }
  Proposal proposal = kGoldenProposal;
  proposal.time = kTimeMax;
  CHECK(parse_proposal(encode(proposal)));
  proposal.time += UnixMs{1};
  CHECK_FALSE(parse_proposal(encode(proposal)));
  proposal.time = UnixMs{-1};
  CHECK_FALSE(parse_proposal(encode(proposal)));
}

TEST_CASE("vote: what is signed as a vote is not signed as a proposal that has the same bytes") {
  const SignedVote vote = said_by(1, kGoldenVote);
  const auto proposal = parse_signed_proposal(encode(vote));
  REQUIRE(proposal.has_value());
  const ChainId chain = id_of(golden_genesis());
  const base::PublicKey key = founder(1, 1).consensus_key;
  CHECK(by_key(key, signed_bytes(chain, vote.content), vote.signature));
  CHECK_FALSE(by_key(key, signed_bytes(chain, proposal->content), proposal->signature));
  CHECK_FALSE(parse_vote(encode(kGoldenAgain)));
  CHECK_FALSE(parse_signed_vote(encode(kGoldenVote)));
}
