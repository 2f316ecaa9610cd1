#include "actors/chain/logic/commit.hpp"

#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/one_form.hpp"
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;

namespace {

const ChainId kHere{{42}};

/// In place of Ed25519: the key's first bytes and the length of what is signed.
crypto::Signature signature(const base::PublicKey& key, base::ByteView bytes) {
  return {{key.bytes[0], key.bytes[1], static_cast<std::uint8_t>(bytes.size()), bytes[40]}};
}

Commit commit_by(std::initializer_list<std::size_t> voters) {
  const ValidatorSet set = four();
  Commit out{{Fork{}, Height{3}, Round{1}}, kRed};
  for (const std::size_t index : voters)
    out.votes.push_back({set.at(index).id, signature(set.at(index).key, signed_bytes(kHere, out.vote()))});
  return out;
}

Commit golden_commit() {
  Commit out{kGoldenPlace, filled_block(0xb2)};
  const ValidatorSet founders = founders_of_golden();
  for (const Validator& one : founders.all()) {
    const std::uint8_t number = one.id == founder(1, 1).node() ? 1 : 2;
    out.votes.push_back({one.id, said_by(number, out.vote()).signature});
  }
  return out;
}

std::optional<CommitError> commit_flaw(const Commit& commit) {
  const auto verified =
      verify_commit(kHere, four(), {Fork{}, Height{3}, kRed}, commit,
                    [](const auto& key, auto bytes, const auto& given) { return signature(key, bytes) == given; });
  return verified.ok() ? std::nullopt : std::optional(verified.error());
}

}  // namespace

TEST_CASE("commit: more than two thirds prove a block, two thirds or doubled votes do not") {
  CHECK(commit_flaw(commit_by({0, 1, 2})) == std::nullopt);
  CHECK(commit_flaw(commit_by({0, 1, 2, 3})) == std::nullopt);
  CHECK(commit_flaw(commit_by({0, 3})) == CommitError::too_little);
  CHECK(commit_flaw(commit_by({})) == CommitError::too_little);
  CHECK(commit_flaw(commit_by({0, 1, 1})) == CommitError::unordered);
  CHECK(commit_flaw(commit_by({1, 0, 2})) == CommitError::unordered);
}

TEST_CASE("commit: a true commit of something else proves nothing here") {
  const Commit commit = commit_by({0, 1, 2});
  const auto any = [](const auto&, auto, const auto&) { return true; };
  CHECK(verify_commit(kHere, four(), {Fork{}, Height{3}, kRed}, commit, any).ok());
  for (const Wanted& other :
       {Wanted{Fork{1}, Height{3}, kRed}, Wanted{Fork{}, Height{4}, kRed}, Wanted{Fork{}, Height{3}, BlockId{}}})
    CHECK(verify_commit(kHere, four(), other, commit, any).error() == CommitError::elsewhere);
}

TEST_CASE("commit: strangers and wrong signatures are found") {
  Commit commit = commit_by({0, 1, 2});
  SUBCASE("stranger") {
    commit.votes.back().validator = base::NodeId{{99}};
    CHECK(commit_flaw(commit) == CommitError::stranger);
  }
  SUBCASE("signature") {
    commit.votes[1].signature.bytes[0] ^= 1;
    CHECK(commit_flaw(commit) == CommitError::bad_signature);
  }
  SUBCASE("power is counted first, because it costs least") {
    commit.votes.pop_back();
    commit.votes[1].signature.bytes[0] ^= 1;
    CHECK(commit_flaw(commit) == CommitError::too_little);
  }
}

TEST_CASE("commit: its bytes and its entries are those of another program, and it is true") {
  const Commit commit = golden_commit();
  CHECK(base::hex(encode(commit)) == golden::kCommit);
  const auto entries = commit_entries(commit);
  REQUIRE(entries.size() == 3);
  CHECK(base::hex(entries[0]) == golden::kCommitHead);
  CHECK(base::hex(entries[1]) == golden::kCommitVote);
  CHECK(verify_commit(id_of(golden_genesis()), founders_of_golden(), {kGoldenFork, {9}, commit.block}, commit, by_key)
            .ok());
}

TEST_CASE("commit: a commit in order is read as it was written, whole and by entries, and no other is") {
  CHECK(rc::check([] {
    Commit commit{some_place(), some_fixed<BlockId>()};
    const auto count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i)
      commit.votes.push_back({*rc::gen::element(base::NodeId{{1}}, base::NodeId{{2}}, some_fixed<base::NodeId>()),
                              some_fixed<crypto::Signature>()});
    bool rising = true;
    for (std::size_t i = 1; i < commit.votes.size(); ++i)
      rising = rising && commit.votes[i - 1].validator < commit.votes[i].validator;
    const auto whole = parse_commit(encode(commit));
    RC_ASSERT(whole == (rising ? std::optional(commit) : std::nullopt));
    RC_ASSERT(commit_of(commit_entries(commit)) == whole);
  }));
}

TEST_CASE("commit: whatever bytes are read are the one encoding of what they say") {
  check_one_form(encode(golden_commit()), parse_commit);
  const auto entries = commit_entries(golden_commit());
  for (std::size_t at = 0; at < entries.size(); ++at)
    for (std::size_t i = 0; i < entries[at].size(); ++i) {
      auto changed = entries;
      changed[at].resize(i);
      CHECK_FALSE(commit_of(changed));
      changed = entries;
      changed[at][i] ^= 1;
      if (const auto read = commit_of(changed)) CHECK(commit_entries(*read) == changed);
    }
}

TEST_CASE("commit: no entries are no commit, and there are no more votes than validators") {
  CHECK_FALSE(commit_of({}));
  Commit commit{kGoldenPlace, filled_block(0xb2)};
  for (std::size_t i = 0; i < kValidatorsMax; ++i)
    commit.votes.push_back({base::NodeId{{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}}});
  CHECK(parse_commit(encode(commit)) == commit);
  CHECK(commit_of(commit_entries(commit)) == commit);
  commit.votes.push_back({base::NodeId{{0xff}}});
  CHECK_FALSE(parse_commit(encode(commit)));
  CHECK_FALSE(commit_of(commit_entries(commit)));
}
