#include "actors/chain/logic/commit.hpp"

#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;

namespace {

const ChainId kHere{{42}};

/// In place of Ed25519: the key's first bytes and the length of what is signed.
crypto::Signature signature(const base::PublicKey& key, base::ByteView bytes) {
  return {{key.bytes[0], key.bytes[1], static_cast<std::uint8_t>(bytes.size()), bytes[40]}};
}

Commit commit_of(std::initializer_list<std::size_t> voters) {
  const ValidatorSet set = four();
  Commit out{{Fork{}, Height{3}, Round{1}}, kRed};
  for (const std::size_t index : voters)
    out.votes.push_back({set.at(index).id, signature(set.at(index).key, signed_bytes(kHere, out.vote()))});
  return out;
}

std::optional<CommitError> flaw(const Commit& commit) {
  const auto verified =
      verify_commit(kHere, four(), {Fork{}, Height{3}, kRed}, commit,
                    [](const auto& key, auto bytes, const auto& given) { return signature(key, bytes) == given; });
  return verified.ok() ? std::nullopt : std::optional(verified.error());
}

}  // namespace

TEST_CASE("commit: more than two thirds prove a block, two thirds or doubled votes do not") {
  CHECK(flaw(commit_of({0, 1, 2})) == std::nullopt);
  CHECK(flaw(commit_of({0, 1, 2, 3})) == std::nullopt);
  CHECK(flaw(commit_of({0, 3})) == CommitError::too_little);
  CHECK(flaw(commit_of({})) == CommitError::too_little);
  CHECK(flaw(commit_of({0, 1, 1})) == CommitError::unordered);
  CHECK(flaw(commit_of({1, 0, 2})) == CommitError::unordered);
}

TEST_CASE("commit: a true commit of something else proves nothing here") {
  const Commit commit = commit_of({0, 1, 2});
  const auto any = [](const auto&, auto, const auto&) { return true; };
  CHECK(verify_commit(kHere, four(), {Fork{}, Height{3}, kRed}, commit, any).ok());
  for (const Wanted& other :
       {Wanted{Fork{1}, Height{3}, kRed}, Wanted{Fork{}, Height{4}, kRed}, Wanted{Fork{}, Height{3}, BlockId{}}})
    CHECK(verify_commit(kHere, four(), other, commit, any).error() == CommitError::elsewhere);
}

TEST_CASE("commit: strangers and wrong signatures are found") {
  Commit commit = commit_of({0, 1, 2});
  SUBCASE("stranger") {
    commit.votes.back().validator = base::NodeId{{99}};
    CHECK(flaw(commit) == CommitError::stranger);
  }
  SUBCASE("signature") {
    commit.votes[1].signature.bytes[0] ^= 1;
    CHECK(flaw(commit) == CommitError::bad_signature);
  }
  SUBCASE("power is counted first, because it costs least") {
    commit.votes.pop_back();
    commit.votes[1].signature.bytes[0] ^= 1;
    CHECK(flaw(commit) == CommitError::too_little);
  }
}
