#include "actors/raft/logic/quorum.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <set>

#include "tests/actors/raft/vectors.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::member;

namespace {

Configuration halves(const std::set<std::uint64_t>& incoming, const std::set<std::uint64_t>& outgoing) {
  Configuration out;
  for (const auto id : incoming) out.seats[member(static_cast<std::uint8_t>(id))].voter = true;
  for (const auto id : outgoing) out.seats[member(static_cast<std::uint8_t>(id))].outgoing = true;
  return out;
}
std::uint64_t number_of(const MemberId& id) { return id.node.bytes.back(); }

/// The words in brackets behind `key=`, or nothing.
std::vector<std::string> list_of(const raft_test::Case& one, const std::string& key) {
  const auto at = one.options.find(key);
  return at == one.options.end() ? std::vector<std::string>{} : at->second;
}

struct QuorumCase {
  Configuration configuration;
  std::map<std::uint64_t, std::string> said;
};
QuorumCase quorum_case(const raft_test::Case& one, const std::string& what) {
  std::set<std::uint64_t> incoming, outgoing, all;
  for (const auto& word : list_of(one, "cfg")) incoming.insert(std::stoull(word));
  for (const auto& word : list_of(one, "cfgj"))
    if (word != "zero") outgoing.insert(std::stoull(word));
  all = incoming;
  all.insert(outgoing.begin(), outgoing.end());
  QuorumCase out{halves(incoming, outgoing), {}};
  const auto words = list_of(one, what);
  REQUIRE(words.size() == all.size());
  std::size_t at = 0;
  for (const auto id : all) out.said[id] = words[at++];
  return out;
}

}  // namespace

TEST_CASE("quorum: the published cases of what is committed") {
  for (const char* file : {"quorum/majority_commit.txt", "quorum/joint_commit.txt"}) {
    const auto cases = raft_test::published(file);
    if (!cases) return;
    for (const raft_test::Case& one : *cases) {
      CAPTURE(one.where);
      const QuorumCase given = quorum_case(one, "idx");
      const std::uint64_t value = quorum_value(given.configuration, [&](const MemberId& id) {
        const std::string& said = given.said.at(number_of(id));
        return said == "_" ? 0 : std::stoull(said);
      });
      const std::string& expected = one.output.back();
      if (test::contains(expected, "∞")) CHECK(value == std::numeric_limits<std::uint64_t>::max());
      else CHECK(std::to_string(value) == expected);
    }
  }
}

TEST_CASE("quorum: the published cases of votes") {
  for (const char* file : {"quorum/majority_vote.txt", "quorum/joint_vote.txt"}) {
    const auto cases = raft_test::published(file);
    if (!cases) return;
    for (const raft_test::Case& one : *cases) {
      CAPTURE(one.where);
      const QuorumCase given = quorum_case(one, "votes");
      const Tally tally = quorum_tally(given.configuration, [&](const MemberId& id) -> std::optional<bool> {
        const std::string& said = given.said.at(number_of(id));
        return said == "_" ? std::nullopt : std::optional(said == "y");
      });
      const std::string expected = one.output.back();
      CHECK(expected == (tally == Tally::won ? "VoteWon" : tally == Tally::lost ? "VoteLost" : "VotePending"));
    }
  }
}

TEST_CASE("quorum: any two halves agree with a model that counts") {
  const auto majority = [](const std::set<std::uint64_t>& of, const auto& holds) {
    std::size_t count = 0;
    for (const auto id : of) count += holds(id);
    return of.empty() || 2 * count > of.size();
  };
  CHECK(rc::check("committed and won", [&] {
    const auto numbers = rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 9));
    const auto some = *numbers, others = *numbers;
    const std::set<std::uint64_t> incoming(some.begin(), some.end()), outgoing(others.begin(), others.end());
    const auto reached = *rc::gen::container<std::vector<std::uint64_t>>(9, rc::gen::inRange<std::uint64_t>(0, 6));
    const auto votes = *rc::gen::container<std::vector<int>>(9, rc::gen::inRange(0, 3));
    const Configuration configuration = halves(incoming, outgoing);

    std::uint64_t best = 0;  // the largest number which both halves have
    for (std::uint64_t n = 0; n < 7; ++n) {
      const auto has = [&](std::uint64_t id) { return reached[id] >= n; };
      if (majority(incoming, has) && majority(outgoing, has)) best = n;
    }
    const std::uint64_t value = quorum_value(configuration, [&](const MemberId& id) { return reached[number_of(id)]; });
    const bool none = incoming.empty() && outgoing.empty();
    RC_ASSERT((none ? value > 6 : value == best));

    const auto won = [&](const auto& yes) { return majority(incoming, yes) && majority(outgoing, yes); };
    const bool now = won([&](std::uint64_t id) { return votes[id] == 1; });
    const bool may = won([&](std::uint64_t id) { return votes[id] != 2; });
    const Tally tally = quorum_tally(configuration, [&](const MemberId& id) -> std::optional<bool> {
      const int vote = votes[number_of(id)];
      return vote == 0 ? std::nullopt : std::optional(vote == 1);
    });
    RC_ASSERT(tally == (now ? Tally::won : may ? Tally::pending : Tally::lost));
  }));
}
