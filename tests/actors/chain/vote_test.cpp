#include "actors/chain/logic/vote.hpp"

#include <rapidcheck.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

const ChainId kDemo{{0xaa}};
const Vote kVote{{Fork{1}, Height{0x0203}, Round{4}}, Step::precommit, BlockId{{0xbb}}};
const Proposal kProposal{{Fork{1}, Height{0x0203}, Round{4}}, Round{3}, BlockId{{0xbb}}, UnixMs{0x0506}};

Place some_place() {
  return {Fork{*rc::gen::arbitrary<std::uint32_t>()}, Height{*rc::gen::arbitrary<std::uint64_t>()},
          Round{*rc::gen::arbitrary<std::uint32_t>()}};
}
BlockId some_block() { return {*rc::gen::container<std::array<std::uint8_t, 32>>(rc::gen::arbitrary<std::uint8_t>())}; }

}  // namespace

TEST_CASE("vote: the bytes that are signed never change") {
  CHECK(base::hex(signed_bytes(kDemo, kVote)) ==
        "74726f75706520766f7465207631"  // troupe vote v1
        "aa00000000000000000000000000000000000000000000000000000000000000"
        "01000000"
        "0302000000000000"
        "04000000"
        "02"
        "01bb00000000000000000000000000000000000000000000000000000000000000");
  CHECK(base::hex(signed_bytes(kDemo, Vote{kVote.place, Step::prevote, {}})) ==
        "74726f75706520766f7465207631"
        "aa00000000000000000000000000000000000000000000000000000000000000"
        "01000000"
        "0302000000000000"
        "04000000"
        "01"
        "00");
  CHECK(base::hex(signed_bytes(kDemo, kProposal)) ==
        "74726f7570652070726f706f73616c207631"  // troupe proposal v1
        "aa00000000000000000000000000000000000000000000000000000000000000"
        "01000000"
        "0302000000000000"
        "04000000"
        "0103000000"
        "bb00000000000000000000000000000000000000000000000000000000000000"
        "0605000000000000");
}

TEST_CASE("vote: votes and proposals are read as they were written") {
  CHECK(rc::check("any content", [] {
    const Vote vote{some_place(), *rc::gen::element(Step::prevote, Step::precommit),
                    *rc::gen::arbitrary<bool>() ? Choice(some_block()) : std::nullopt};
    RC_ASSERT((decode_vote(encode(vote)) == vote));
    const Proposal proposal{
        some_place(),
        *rc::gen::arbitrary<bool>() ? std::optional(Round{*rc::gen::arbitrary<std::uint32_t>()}) : std::nullopt,
        some_block(), UnixMs(*rc::gen::inRange<std::int64_t>(0, kTimeMax.count() + 1))};
    RC_ASSERT((decode_proposal(encode(proposal)) == proposal));
  }));
}

TEST_CASE("vote: whatever bytes are read are the one encoding of what they say") {
  const auto hold = [](const base::Bytes& bytes) {
    if (const auto vote = decode_vote(bytes)) CHECK(encode(*vote) == bytes);
    if (const auto proposal = decode_proposal(bytes)) CHECK(encode(*proposal) == bytes);
  };
  for (const base::Bytes& good : {encode(kVote), encode(Vote{kVote.place, Step::prevote, {}}), encode(kProposal)}) {
    CHECK((decode_vote(good) || decode_proposal(good)));
    for (std::size_t i = 0; i < good.size(); ++i) {
      const base::Bytes shorter(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK_FALSE((decode_vote(shorter) || decode_proposal(shorter)));
      for (const int by : {0x01, 0x02, 0x03, 0x80}) {
        base::Bytes changed = good;
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ by);
        hold(changed);
      }
    }
    base::Bytes longer = good;
    longer.push_back(0);
    CHECK_FALSE((decode_vote(longer) || decode_proposal(longer)));
  }
  CHECK(rc::check("any bytes", [&](const base::Bytes& bytes) { hold(bytes); }));
}

TEST_CASE("vote: a step that is not voted in, and a time out of range, are not read") {
  base::Bytes bytes = encode(kVote);
  for (const int step : {0, 3, 255}) {
    bytes[16] = static_cast<std::uint8_t>(step);
    CHECK_FALSE(decode_vote(bytes));
  }
  Proposal proposal = kProposal;
  proposal.time = kTimeMax;
  CHECK(decode_proposal(encode(proposal)));
  proposal.time += UnixMs{1};
  CHECK_FALSE(decode_proposal(encode(proposal)));
}
