#include "actors/chain/logic/divergence.hpp"

#include "tests/actors/chain/one_form.hpp"
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;

namespace {

Commit commit_of_some(std::uint32_t round, const BlockId& block, std::initializer_list<std::size_t> voters) {
  const ValidatorSet set = four();
  Commit out{{Fork{}, Height{3}, Round{round}}, block};
  for (const std::size_t index : voters)
    out.votes.push_back({set.at(index).id, crypto::Signature{{static_cast<std::uint8_t>(index + 1), block.bytes[0]}}});
  return out;
}

std::vector<base::NodeId> ids_of(std::initializer_list<std::size_t> indices) {
  const ValidatorSet set = four();
  std::vector<base::NodeId> out;
  for (const std::size_t index : indices) out.push_back(set.at(index).id);
  return out;
}

}  // namespace

TEST_CASE("divergence: two commits of one height name those that signed both") {
  const auto found = divergence_of(commit_of_some(0, kRed, {0, 1, 2}), commit_of_some(1, kBlue, {1, 2, 3}));
  REQUIRE(found.has_value());
  CHECK(found->height() == Height{3});
  CHECK(suspects_of(*found) == ids_of({1, 2}));
  CHECK(evidence_of(*found).empty());  // they may have unlocked, as the rules allow
}

TEST_CASE("divergence: two commits of one round prove each that signed both to lie") {
  const auto found = divergence_of(commit_of_some(1, kRed, {0, 1, 2}), commit_of_some(1, kBlue, {1, 2, 3}));
  REQUIRE(found.has_value());
  CHECK(suspects_of(*found) == ids_of({1, 2}));
  const auto evidence = evidence_of(*found);
  REQUIRE(evidence.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(accused(evidence[i]) == ids_of({1, 2})[i]);
    CHECK(verify(evidence[i], ChainId{{42}}, four(), [](const auto&, auto, const auto&) { return true; }).ok());
    CHECK(parse_evidence(encode(evidence[i])).has_value());
  }
}

TEST_CASE("divergence: commits of one block, of two heights or forks are none") {
  const Commit commit = commit_of_some(1, kRed, {0, 1, 2});
  CHECK_FALSE(divergence_of(commit, commit_of_some(0, kRed, {1, 2, 3})).has_value());
  Commit other = commit_of_some(1, kBlue, {0, 1, 2});
  other.place.height = Height{4};
  CHECK_FALSE(divergence_of(commit, other).has_value());
  other.place = {Fork{1}, Height{3}, Round{1}};
  CHECK_FALSE(divergence_of(commit, other).has_value());
}

TEST_CASE("divergence: what is kept of it is read back, and nothing else is") {
  const auto found = divergence_of(commit_of_some(0, kRed, {0, 1, 2}), commit_of_some(1, kBlue, {1, 2, 3}));
  REQUIRE(found.has_value());
  CHECK(decode_divergence(encode(*found)) == found);
  check_one_form(encode(*found), decode_divergence);
  CHECK_FALSE(decode_divergence(base::Bytes{0xff, 0xff, 0xff, 0xff}).has_value());
  CHECK_FALSE(decode_divergence(base::Bytes{}).has_value());
}
