#include "actors/chain/logic/presence.hpp"

#include "actors/chain/logic/header.hpp"
#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/one_form.hpp"
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;

namespace {

const ChainId kThisChain{{42}};

BlockId block_of(std::uint64_t height) { return filled_block(static_cast<std::uint8_t>(height)); }

/// In place of Ed25519: the key's first bytes, the length of what is signed and its height.
crypto::Signature signature_of(const base::PublicKey& key, base::ByteView bytes) {
  return {{key.bytes[0], key.bytes[1], static_cast<std::uint8_t>(bytes.size()), bytes[bytes.size() - 64]}};
}
bool is_signed(const base::PublicKey& key, base::ByteView bytes, const crypto::Signature& given) {
  return signature_of(key, bytes) == given;
}

SignedVote precommit_at(std::uint64_t height, std::size_t index, std::uint32_t round = 0) {
  SignedVote out{{{Fork{}, Height{height}, Round{round}}, Step::precommit, block_of(height)}, four().at(index).id};
  out.signature = signature_of(four().at(index).key, signed_bytes(kThisChain, out.content));
  return out;
}

Commit commit_at(std::uint64_t height, const std::vector<std::size_t>& voters) {
  Commit out{{Fork{}, Height{height}, {}}, block_of(height)};
  for (const std::size_t index : voters)
    out.votes.push_back({four().at(index).id, precommit_at(height, index).signature});
  return out;
}

/// Blocks of four validators, one after another.
struct Attending {
  Presence presence = presence_of(four());
  std::uint64_t height = 0;

  /// The next block, with a commit by `voters` of the one before it.
  void block(const std::vector<std::size_t>& voters, const std::vector<SignedVote>& late = {},
             const ValidatorSet& set = four()) {
    ++height;
    const auto commit = height == 1 ? std::nullopt : std::optional(commit_at(height - 1, voters));
    presence = after(std::move(presence), {Height{height}, block_of(height), set, commit, late});
  }
  void blocks(std::uint64_t count, const std::vector<std::size_t>& voters) {
    for (std::uint64_t i = 0; i < count; ++i) block(voters);
  }
  std::vector<std::uint64_t> missed() const {
    std::vector<std::uint64_t> out;
    for (const Absence& one : presence.absences) out.push_back(one.missed);
    return out;
  }
  std::uint64_t counted(std::size_t index) const { return presence.counted(*presence.absence_of(four().at(index).id)); }
  std::optional<LateError> late_flaw(const std::vector<SignedVote>& votes) const {
    std::vector<base::Bytes> entries;
    for (const SignedVote& one : votes) entries.push_back(encode(one));
    const auto judged = judge_late(entries, presence, kThisChain, Fork{}, is_signed);
    if (judged.ok()) CHECK(judged.value() == votes);
    return judged.ok() ? std::nullopt : std::optional(judged.error());
  }
};

using Counts = std::vector<std::uint64_t>;
const std::vector<std::size_t> kAll{0, 1, 2, 3}, kThree{0, 1, 2};

template <class Value>
std::optional<std::vector<Value>> parse_as(base::ByteView bytes) {
  if constexpr (std::is_same_v<Value, Attendance>) return parse_attendances(bytes);
  else return parse_absences(bytes);
}

}  // namespace

TEST_CASE("chain presence: its bytes are those of another program") {
  const ValidatorSet founders = founders_of_golden();
  std::vector<Attendance> heights;
  for (const auto& [height, seats] : {std::pair{2u, 3u}, {3u, 2u}})
    heights.push_back(
        {Height{height}, filled_block(static_cast<std::uint8_t>(0xb0 + height)), hash_of(founders), {seats}});
  CHECK(base::hex(encode(heights)) == golden::kPresence);
  const std::vector<Absence> absences{{founders.at(0).id, Height{1}, 7}, {founders.at(1).id, Height{4}, 0}};
  CHECK(base::hex(encode(absences)) == golden::kAbsences);
  check_one_form(encode(heights), parse_as<Attendance>);
  check_one_form(encode(absences), parse_as<Absence>);
  CHECK(parse_attendances(encode(std::vector<Attendance>{})) == std::vector<Attendance>{});
  CHECK(parse_absences(encode(std::vector<Absence>{})) == std::vector<Absence>{});
}

TEST_CASE("chain presence: its bytes fit, and heights and ids have their order") {
  Attendance full;
  full.seats.fill(~std::uint64_t{0});
  std::vector<Attendance> heights;
  for (std::uint64_t i = 1; i <= kPresenceHeights; ++i) {
    full.height = {i};
    heights.push_back(full);
  }
  CHECK(encode(heights).size() == kPresenceBytesMax);
  CHECK(parse_attendances(encode(heights)) == heights);
  full.height = {kPresenceHeights + 1};
  heights.push_back(full);
  CHECK_FALSE(parse_attendances(encode(heights)));
  heights = {heights[1], heights[0]};
  CHECK_FALSE(parse_attendances(encode(heights)));
  heights = {heights[1], heights[1]};
  CHECK_FALSE(parse_attendances(encode(heights)));
  full.height = {0};
  CHECK_FALSE(parse_attendances(encode(std::vector{full})));

  std::vector<Absence> absences;
  for (std::size_t i = 0; i < kValidatorsMax; ++i)
    absences.push_back({base::NodeId{{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}}, Height{1}, 1});
  CHECK(encode(absences).size() == kAbsencesBytesMax);
  CHECK(parse_absences(encode(absences)) == absences);
  absences.push_back({base::NodeId{{9}}, Height{1}, 1});
  CHECK_FALSE(parse_absences(encode(absences)));
  absences = {absences[1], absences[0]};
  CHECK_FALSE(parse_absences(encode(absences)));
  absences = {absences[0], absences[0]};
  CHECK_FALSE(parse_absences(encode(absences)));
}

TEST_CASE("chain presence: a height counts once it is ten deep, and is missed without a precommit in a block") {
  Attending chain;
  chain.blocks(10, kThree);
  CHECK(chain.missed() == Counts{0, 0, 0, 0});
  CHECK(chain.counted(3) == 0);
  CHECK(chain.presence.heights.size() == kPresenceHeights);
  chain.block({0, 1, 3});
  CHECK(chain.missed() == Counts{0, 0, 0, 1});
  CHECK(chain.counted(3) == 1);
  CHECK(chain.presence.heights.size() == kPresenceHeights);
  chain.blocks(9, kAll);
  CHECK(chain.missed() == Counts{0, 0, 1, 9});
  CHECK(chain.counted(0) == 10);
  chain.blocks(20, kAll);
  CHECK(chain.missed() == Counts{0, 0, 1, 9});
  CHECK(chain.counted(0) == 30);
}

TEST_CASE("chain presence: a late precommit repairs a miss until its height is ten deep") {
  Attending chain;
  chain.blocks(10, kThree);
  SUBCASE("in the block that settles it") {
    const std::vector late{precommit_at(1, 3)};
    CHECK(chain.late_flaw(late) == std::nullopt);
    chain.block(kThree, late);
    CHECK(chain.missed() == Counts{0, 0, 0, 0});
    CHECK(chain.counted(3) == 1);
    CHECK(chain.late_flaw(late) == LateError::elsewhere);
  }
  SUBCASE("of another round, for the same block") {
    const std::vector late{precommit_at(1, 3, 7), precommit_at(5, 3, 2)};
    CHECK(chain.late_flaw(late) == std::nullopt);
    chain.block(kAll, late);
    CHECK(chain.late_flaw(late) == LateError::elsewhere);
    CHECK(chain.late_flaw({late[1]}) == LateError::recorded);
    chain.blocks(10, kAll);
    CHECK(chain.missed() == Counts{0, 0, 0, 7});  // 2 to 9 without 5
  }
  SUBCASE("one block later it is too late") {
    chain.block(kThree);
    CHECK(chain.missed() == Counts{0, 0, 0, 1});
    CHECK(chain.late_flaw({precommit_at(1, 3)}) == LateError::elsewhere);
    chain.block(kThree, {precommit_at(1, 3)});
    CHECK(chain.missed() == Counts{0, 0, 0, 2});
  }
}

TEST_CASE("chain presence: a list of late precommits is wrong in each of these ways") {
  Attending chain;
  chain.blocks(12, kThree);  // 3 to 12 are not settled, 12 is the parent
  CHECK(chain.late_flaw({}) == std::nullopt);
  CHECK(chain.late_flaw({precommit_at(3, 3), precommit_at(4, 3), precommit_at(11, 3)}) == std::nullopt);
  CHECK(chain.late_flaw({precommit_at(2, 3)}) == LateError::elsewhere);
  CHECK(chain.late_flaw({precommit_at(12, 3)}) == LateError::elsewhere);
  CHECK(chain.late_flaw({precommit_at(13, 3)}) == LateError::elsewhere);
  CHECK(chain.late_flaw({precommit_at(4, 3), precommit_at(3, 3)}) == LateError::unordered);
  CHECK(chain.late_flaw({precommit_at(4, 3), precommit_at(4, 3)}) == LateError::unordered);
  CHECK(chain.late_flaw({precommit_at(4, 3), precommit_at(4, 3, 1)}) == LateError::unordered);
  CHECK(chain.late_flaw({precommit_at(4, 2)}) == LateError::recorded);
  SignedVote one = precommit_at(4, 3);
  SUBCASE("of one that is no validator") {
    one.validator = base::NodeId{{9}};
    CHECK(chain.late_flaw({one}) == LateError::stranger);
  }
  SUBCASE("signed by another key") {
    one.signature = precommit_at(4, 2).signature;
    CHECK(chain.late_flaw({precommit_at(3, 3), one}) == LateError::bad_signature);
  }
  SUBCASE("a prevote") {
    one.content.step = Step::prevote;
    CHECK(chain.late_flaw({one}) == LateError::elsewhere);
  }
  SUBCASE("for no block, or another one") {
    one.content.choice = {};
    CHECK(chain.late_flaw({one}) == LateError::elsewhere);
    one.content.choice = block_of(5);
    CHECK(chain.late_flaw({one}) == LateError::elsewhere);
  }
  SUBCASE("of another fork") {
    one.content.place.fork = Fork{1};
    CHECK(chain.late_flaw({one}) == LateError::elsewhere);
  }
  SUBCASE("not the bytes of a vote") {
    base::Bytes entry = encode(one);
    entry.resize(entry.size() + 8);
    CHECK(judge_late(std::vector<base::Bytes>{entry}, chain.presence, kThisChain, Fork{}, is_signed).error() ==
          LateError::malformed);
  }
  SUBCASE("before block 1 there is nothing to be late for") {
    CHECK(Attending().late_flaw({precommit_at(1, 3)}) == LateError::elsewhere);
  }
}

TEST_CASE("chain presence: two validators of one height are in the order of their ids") {
  Attending chain;
  chain.blocks(5, {0, 1});
  CHECK(chain.late_flaw({precommit_at(3, 2), precommit_at(3, 3), precommit_at(4, 2)}) == std::nullopt);
  CHECK(chain.late_flaw({precommit_at(3, 3), precommit_at(3, 2)}) == LateError::unordered);
}

TEST_CASE("chain presence: each height is judged by its own validators, and one that has left is counted no more") {
  Attending chain;
  const ValidatorSet three = four().without(std::vector{four().at(1).id});
  chain.blocks(4, {0, 2, 3});  // of 1 to 3
  chain.block(kAll, {}, three);
  chain.block({0, 2}, {}, three);
  CHECK(chain.presence.sets.size() == 2);
  CHECK(chain.late_flaw({precommit_at(3, 1)}) == std::nullopt);
  CHECK(chain.late_flaw({precommit_at(4, 1)}) == LateError::recorded);
  CHECK(chain.late_flaw({precommit_at(5, 1)}) == LateError::stranger);
  CHECK(chain.late_flaw({precommit_at(5, 3)}) == std::nullopt);
  for (int i = 0; i < 8; ++i) chain.block({0, 2, 3}, {}, three);  // up to 14
  CHECK(chain.missed() == Counts{0, 3, 0, 0});
  chain.block({0, 2, 3}, {}, three);
  CHECK(chain.missed() == Counts{0, 0, 1});
  CHECK(chain.presence.sets.size() == 1);
  CHECK(chain.presence.absence_of(four().at(1).id) == nullptr);
  CHECK(chain.counted(2) == 5);
  // It comes back: its count begins with the first height of which it is a validator again.
  for (int i = 0; i < 11; ++i) chain.block({0, 2, 3});
  REQUIRE(chain.presence.absence_of(four().at(1).id) != nullptr);
  CHECK(*chain.presence.absence_of(four().at(1).id) == Absence{four().at(1).id, Height{16}, 1});
  CHECK(chain.counted(1) == 1);
  CHECK(chain.counted(0) == 16);
}

TEST_CASE("chain presence: what a proposer takes of the votes it holds is what others accept") {
  Attending chain;
  chain.blocks(12, kThree);
  std::vector<SignedVote> held;
  for (std::uint64_t height = 14; height > 0; --height)
    for (const std::size_t index : {3u, 2u, 0u})
      for (const std::uint32_t round : {1u, 0u}) held.push_back(precommit_at(height, index, round));
  held.push_back(precommit_at(5, 3));
  held.back().content.choice = {};
  held.push_back(precommit_at(5, 3));
  held.back().validator = base::NodeId{{9}};
  const auto entries = late_for(held, chain.presence, Fork{}, kBlockBytesMin);
  CHECK(entries.size() == 9);  // 3 to 11, of the one that is not recorded
  const auto judged = judge_late(entries, chain.presence, kThisChain, Fork{}, is_signed);
  REQUIRE(judged.ok());
  CHECK(judged.value().front() == precommit_at(3, 3, 1));
  chain.block(kAll, judged.value());
  CHECK(late_for(held, chain.presence, Fork{}, kBlockBytesMin).empty());
  chain.blocks(10, kAll);
  CHECK(chain.missed() == Counts{0, 0, 0, 2});
  CHECK(late_for(held, Presence{}, Fork{}, kBlockBytesMin).empty());
}

TEST_CASE("chain presence: a proposer takes no more late precommits than their share of a block") {
  Attending chain;
  chain.blocks(12, {});
  std::vector<SignedVote> held;
  for (std::uint64_t height = 3; height < 12; ++height)
    for (std::size_t index = 0; index < 4; ++index) held.push_back(precommit_at(height, index));
  const std::size_t one = entry_bytes(encode(held.front()).size());
  CHECK(one == entry_bytes(kSignedVoteBytesMax));
  CHECK(late_for(held, chain.presence, Fork{}, kListShare * one * 7).size() == 7);
  CHECK(late_for(held, chain.presence, Fork{}, kListShare * one * 7 - kListShare).size() == 6);
  CHECK(late_for(held, chain.presence, Fork{}, 0).empty());
  const auto some = late_for(held, chain.presence, Fork{}, kListShare * one * 7);
  CHECK(some.front() == encode(precommit_at(3, 0)));
  CHECK(some.back() == encode(precommit_at(4, 2)));
}

TEST_CASE("chain presence: votes for what is not the block of a height are not recorded") {
  Attending chain;
  chain.block({});
  Commit wrong = commit_at(1, kAll);
  wrong.block = block_of(9);
  const Presence ignored = after(chain.presence, {Height{2}, block_of(2), four(), wrong, {}});
  CHECK_FALSE(ignored.heights.front().has(0));
  CHECK_THROWS(after(chain.presence, {Height{3}, block_of(3), four(), std::nullopt, {}}));
}

TEST_CASE("chain presence: whatever blocks have, its counts are those of the whole history") {
  struct Past {
    ValidatorSet set;
    std::set<std::size_t> heard{};
  };
  CHECK(rc::check([] {
    Attending chain;
    std::map<std::uint64_t, Past> history;
    const auto is_in = [](const ValidatorSet& set, std::size_t index) {
      return set.index_of(four().at(index).id).has_value();
    };
    const auto some = [](int of) { return *rc::gen::inRange(0, of) == 0; };
    const auto last = *rc::gen::inRange<std::uint64_t>(1, 40);
    for (std::uint64_t height = 1; height <= last; ++height) {
      std::vector<base::NodeId> out;
      for (std::size_t i = 0; i < 4; ++i)
        if (some(8)) out.push_back(four().at(i).id);
      const ValidatorSet set = four().without(out);
      std::vector<std::size_t> voters;
      for (std::size_t i = 0; height > 1 && i < 4; ++i)
        if (!some(3) && is_in(history.at(height - 1).set, i)) voters.push_back(i);
      std::vector<SignedVote> held;
      std::set<std::pair<std::uint64_t, std::size_t>> expected;
      for (std::uint64_t at = height > 12 ? height - 12 : 1; at <= height; ++at)
        for (std::size_t i = 0; i < 4; ++i) {
          if (!some(6)) continue;
          held.push_back(precommit_at(at, i));
          if (at + kPresenceHeights < height || at + 2 > height) continue;
          if (is_in(history.at(at).set, i) && !history.at(at).heard.contains(i)) expected.insert({at, i});
        }
      const auto entries = late_for(held, chain.presence, Fork{}, kBlockBytesMin);
      const auto late = judge_late(entries, chain.presence, kThisChain, Fork{}, is_signed);
      RC_ASSERT(late.ok());
      RC_ASSERT(late.value().size() == expected.size());
      chain.block(voters, late.value(), set);
      for (const auto& [at, index] : expected) history.at(at).heard.insert(index);
      if (height > 1) history.at(height - 1).heard.insert(voters.begin(), voters.end());
      history.insert({height, {set}});
    }
    if (last <= kPresenceHeights) {
      RC_ASSERT(chain.missed() == Counts(4, 0));
      return;
    }
    const std::uint64_t settled = last - kPresenceHeights;
    std::vector<Absence> counts;
    for (std::size_t i = 0; i < 4; ++i) {
      Absence one{four().at(i).id, Height{settled + 1}, 0};
      for (; one.since.value > 1 && is_in(history.at(one.since.value - 1).set, i); --one.since.value)
        if (!history.at(one.since.value - 1).heard.contains(i)) ++one.missed;
      if (one.since.value > settled) continue;
      counts.push_back(one);
      RC_ASSERT(chain.presence.counted(one) == settled + 1 - one.since.value);
    }
    RC_ASSERT(chain.presence.absences == counts);
    for (const Attendance& one : chain.presence.heights)
      RC_ASSERT(chain.presence.set_of(one) == history.at(one.height.value).set);
  }));
}
