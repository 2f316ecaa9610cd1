#include "actors/files/logic/fetch.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

const base::NodeId kSelf = node(200);

Fetch get_of_one(std::vector<base::NodeId> candidates) {
  Fetch get(std::move(candidates), kSelf);
  get.want(content(0));
  return get;
}

/// Answers the only open question, and returns whom it went to.
base::NodeId miss(Fetch& get, FetchMiss why) {
  const auto questions = get.next();
  REQUIRE(questions.size() == 1);
  get.missed(questions[0].index, questions[0].node, why);
  return questions[0].node;
}

/// No node is left to ask: the end, once the network was asked as well.
std::optional<FetchEnd> end_of(Fetch& get, const HoldersFound& found = {}) {
  CHECK(get.next().empty());
  for (const ContentKey& key : get.seek()) {
    CHECK_FALSE(get.end().has_value());
    get.check();
    get.found(key, found);
  }
  CHECK(get.next().empty());
  return get.end();
}

}  // namespace

TEST_CASE("fetch: the node itself is asked first, then the nearest") {
  Fetch get = get_of_one({node(2), node(1), kSelf, node(3)});
  CHECK(miss(get, FetchMiss::lacks) == kSelf);
  CHECK(miss(get, FetchMiss::lacks) == node(1));
  CHECK(miss(get, FetchMiss::lacks) == node(2));
  const auto last = get.next();
  REQUIRE(last.size() == 1);
  CHECK(get.arrived(0, node(3)));
  CHECK(get.head_ready());
  get.pass_head();
  CHECK(get.done());
  CHECK_FALSE(get.end().has_value());
}

TEST_CASE("fetch: it is not found only if all who were asked say that they lack it") {
  SUBCASE("all lack it") {
    Fetch get = get_of_one({node(1), node(2)});
    miss(get, FetchMiss::lacks);
    miss(get, FetchMiss::lacks);
    CHECK(end_of(get) == FetchEnd::not_found);
  }
  SUBCASE("there is nobody to ask") {
    Fetch get = get_of_one({});
    CHECK(end_of(get) == FetchEnd::alone);
  }
  SUBCASE("there is nobody to ask but this node itself") {
    Fetch get = get_of_one({kSelf});
    CHECK(miss(get, FetchMiss::lacks) == kSelf);
    CHECK(end_of(get) == FetchEnd::alone);
  }
  SUBCASE("one that may have it is silent, also when asked once more") {
    Fetch get = get_of_one({node(1), node(2)});
    CHECK(miss(get, FetchMiss::silent) == node(1));
    CHECK(miss(get, FetchMiss::lacks) == node(2));
    CHECK(miss(get, FetchMiss::silent) == node(1));
    CHECK(end_of(get) == FetchEnd::unavailable);
  }
  SUBCASE("one that was silent at first lacks it after all") {
    Fetch get = get_of_one({node(1), node(2)});
    miss(get, FetchMiss::silent);
    miss(get, FetchMiss::lacks);
    CHECK(miss(get, FetchMiss::lacks) == node(1));
    CHECK(end_of(get) == FetchEnd::not_found);
  }
  SUBCASE("the only copy is damaged") {
    Fetch get = get_of_one({node(1), node(2)});
    miss(get, FetchMiss::bad);
    miss(get, FetchMiss::lacks);
    CHECK(end_of(get) == FetchEnd::corrupt);
  }
  SUBCASE("a silent holder may have a good copy where another has a damaged one") {
    Fetch get = get_of_one({node(1), node(2)});
    miss(get, FetchMiss::bad);
    miss(get, FetchMiss::silent);
    miss(get, FetchMiss::silent);
    CHECK(end_of(get) == FetchEnd::unavailable);
  }
}

TEST_CASE("fetch: a holder that gives wrong bytes is not asked for that content again, but for others") {
  Fetch get({node(1), node(2)}, kSelf);
  get.want(content(0));
  CHECK(miss(get, FetchMiss::bad) == node(1));
  get.next();
  CHECK(get.arrived(0, node(2)));
  get.pass_head();
  get.want(content(0, 2000));
  const auto questions = get.next();
  REQUIRE(questions.size() == 1);
  CHECK(questions[0].node == node(1));
}

TEST_CASE("fetch: a node that is silent twice in a row is not asked again, and counts as silent") {
  Fetch get({node(1), node(2)}, kSelf);
  for (std::uint32_t i = 1; i <= 3; ++i) get.want(content(0, i));
  auto questions = get.next();  // node 1 takes two, node 2 one
  REQUIRE(questions.size() == 3);
  get.missed(0, node(1), FetchMiss::silent);
  get.missed(1, node(1), FetchMiss::silent);
  CHECK(get.arrived(2, node(2)));
  for (const auto& question : get.next()) {
    CHECK(question.node == node(2));
    get.missed(question.index, question.node, FetchMiss::lacks);
  }
  CHECK(end_of(get) == FetchEnd::unavailable);
}

TEST_CASE("fetch: contents are passed on in order, a window of them at a time") {
  std::vector<base::NodeId> many;
  for (std::uint8_t i = 1; i <= 20; ++i) many.push_back(node(i));
  Fetch get(many, kSelf);
  for (std::uint32_t i = 1; i <= 20; ++i) get.want(content(0, i));
  auto questions = get.next();
  CHECK(questions.size() == FetchLimits{}.window_max);
  for (const auto& one : questions) CHECK(one.key == content(0, static_cast<std::uint32_t>(one.index + 1)));
  CHECK(get.arrived(1, questions[1].node));
  CHECK_FALSE(get.head_ready());
  CHECK_THROWS_AS(get.pass_head(), base::InvariantBroken);
  CHECK(get.next().empty());  // what has arrived takes its place in the window
  CHECK(get.arrived(0, questions[0].node));
  get.pass_head();
  get.pass_head();
  CHECK(get.head() == 2);
  CHECK(get.next().size() == 2);
}

TEST_CASE("fetch: nobody has more than two questions, and the wait is for the nearest few") {
  Fetch get({node(1), node(2), node(3), node(4), node(5), node(6)}, kSelf,
            FetchLimits{.window_max = 8, .spread_max = 2});
  for (std::uint32_t i = 1; i <= 8; ++i) get.want(content(0, i));
  std::map<base::NodeId, int> open;
  for (const auto& question : get.next()) ++open[question.node];
  CHECK(open == std::map<base::NodeId, int>{{node(1), 2}, {node(2), 2}});
}

TEST_CASE("fetch: answers to no open question are ignored") {
  Fetch get = get_of_one({node(1), node(2)});
  CHECK_FALSE(get.arrived(0, node(1)));
  get.next();
  CHECK_FALSE(get.arrived(0, node(2)));
  CHECK_FALSE(get.arrived(7, node(1)));
  get.missed(0, node(2), FetchMiss::bad);
  CHECK(get.arrived(0, node(1)));
  CHECK_FALSE(get.arrived(0, node(1)));
  get.missed(0, node(1), FetchMiss::lacks);
  CHECK(get.head_ready());
}

TEST_CASE("fetch: what a node lacks is sought once, and those who have announced it take turns with the candidates") {
  Fetch get = get_of_one({kSelf, node(1), node(2), node(3)});
  CHECK(get.seek().empty());  // nothing was missed yet
  CHECK(miss(get, FetchMiss::lacks) == kSelf);
  CHECK(get.seek() == std::vector{content(0)});
  CHECK(get.seek().empty());
  CHECK(miss(get, FetchMiss::lacks) == node(1));  // meanwhile

  SUBCASE("those that were asked are not asked again") {
    get.found(content(0), {.announced = {node(9), node(1), node(3), node(8)}, .nearest = {node(2), node(7)}});
    for (const int each : {9, 2, 3, 8, 7}) CHECK(miss(get, FetchMiss::lacks) == node(static_cast<std::uint8_t>(each)));
    CHECK(end_of(get) == FetchEnd::not_found);
  }
  SUBCASE("no verdict before the search has ended") {
    miss(get, FetchMiss::lacks);
    miss(get, FetchMiss::lacks);
    CHECK(get.next().empty());
    CHECK_FALSE(get.end().has_value());
    get.check();
    SUBCASE("with nodes") {
      get.found(content(0), {.announced = {node(9)}, .nearest = {}});
      CHECK(miss(get, FetchMiss::lacks) == node(9));
      CHECK(end_of(get) == FetchEnd::not_found);
    }
    SUBCASE("without") {
      get.found(content(0), {});
      CHECK(end_of(get) == FetchEnd::not_found);
    }
    SUBCASE("without, and nodes that may know of more were silent") {
      get.found(content(0), {.announced = {}, .nearest = {}, .unheard = true});
      CHECK(end_of(get) == FetchEnd::unavailable);
    }
  }
  SUBCASE("of a long answer the first are asked") {
    std::vector<base::NodeId> many;
    for (std::size_t i = 0; i <= kFoundMax; ++i) many.push_back(node(static_cast<std::uint8_t>(4 + i)));
    get.found(content(0), {.announced = {}, .nearest = many});
    miss(get, FetchMiss::lacks);
    miss(get, FetchMiss::lacks);
    for (std::size_t i = 0; i < kFoundMax; ++i) CHECK(miss(get, FetchMiss::lacks) == many[i]);
    CHECK(end_of(get) == FetchEnd::not_found);
  }
}

TEST_CASE("fetch: a late node has the next one asked as well, and whichever answers first counts") {
  Fetch get = get_of_one({node(1), node(2), node(3)});
  CHECK_FALSE(get.late(0, node(1)));  // not asked yet
  REQUIRE(get.next().size() == 1);
  CHECK(get.next().empty());
  CHECK(get.late(0, node(1)));
  CHECK_FALSE(get.late(0, node(1)));
  const auto second = get.next();
  REQUIRE(second.size() == 1);
  CHECK(second[0].node == node(2));
  get.check();

  SUBCASE("the late one") {
    CHECK(get.arrived(0, node(1)));
    CHECK_FALSE(get.arrived(0, node(2)));
    CHECK(get.head_ready());
    get.pass_head();
  }
  SUBCASE("the other one, and what comes after it was passed on is nothing") {
    CHECK(get.arrived(0, node(2)));
    CHECK(get.next().empty());
    get.pass_head();
    get.want(content(0, 2000));
    const auto third = get.next();  // the late one comes last
    REQUIRE(third.size() == 1);
    CHECK(third[0].node == node(2));
    CHECK_FALSE(get.arrived(0, node(1)));
    get.check();
    CHECK(get.arrived(1, node(2)));
    get.pass_head();
  }
  SUBCASE("no verdict while a late one may answer") {
    get.missed(0, node(2), FetchMiss::lacks);
    CHECK(miss(get, FetchMiss::lacks) == node(3));
    CHECK(get.next().empty());
    for (const auto& key : get.seek()) get.found(key, {});
    CHECK(get.next().empty());
    CHECK_FALSE(get.end().has_value());
    CHECK(get.arrived(0, node(1)));
    get.pass_head();
  }
  CHECK(get.done());
  get.check();
}

TEST_CASE("fetch: late nodes have few others asked: five for a content, and 8 MiB beyond a window") {
  std::vector<base::NodeId> many;
  for (std::uint8_t i = 1; i <= 100; ++i) many.push_back(node(i));
  const auto all_late = [](Fetch& get) {
    std::size_t asked = 0;
    while (true) {
      const auto questions = get.next();
      if (questions.empty()) return asked;
      asked += questions.size();
      for (const auto& one : questions) CHECK(get.late(one.index, one.node));
      get.check();
    }
  };
  const FetchLimits limits;
  SUBCASE("of one") {
    Fetch get(many, kSelf);
    get.want(content(0));
    CHECK(all_late(get) == limits.open_max);
    CHECK(get.give_up(0, node(1)));
    CHECK_FALSE(get.give_up(0, node(1)));
    CHECK(all_late(get) == 1);
    CHECK(get.arrived(0, node(1)));
    get.check();
    get.pass_head();
    CHECK(get.done());
    get.check();
  }
  SUBCASE("of the largest") {
    Fetch get(many, kSelf);
    for (std::size_t i = 0; i < 20; ++i) get.want(content(0, kChunkBytesMax));
    CHECK(all_late(get) == limits.window_max + limits.spare_bytes_max / kChunkBytesMax);
  }
}

TEST_CASE("fetch: three nodes of an address group are asked, then those of other groups") {
  Fetch get = get_of_one({node(1), node(2), node(3), node(4), node(5), node(6), node(7)});
  for (std::uint8_t i = 1; i <= 5; ++i) get.lives_in(node(i), {{1}});
  get.lives_in(node(6), {{2}});
  for (const int each : {1, 2, 3, 6, 7, 4, 5})
    CHECK(miss(get, FetchMiss::lacks) == node(static_cast<std::uint8_t>(each)));
  CHECK(end_of(get) == FetchEnd::not_found);
}

TEST_CASE("fetch: a node that was silent in another get is asked last") {
  Fetch get = get_of_one({node(1), node(2)});
  get.was_silent(node(1));
  CHECK(miss(get, FetchMiss::lacks) == node(2));
  CHECK(miss(get, FetchMiss::lacks) == node(1));
}

TEST_CASE("fetch: few contents are sought at once, and equal ones together") {
  const FetchLimits limits;
  Fetch get({kSelf}, kSelf);
  for (std::size_t i = 0; i < limits.window_max; ++i) get.want(content(static_cast<std::uint8_t>(i < 2 ? 0 : i)));
  while (true) {
    const auto questions = get.next();
    if (questions.empty()) break;
    for (const auto& one : questions) get.missed(one.index, one.node, FetchMiss::lacks);
  }
  auto sought = get.seek();
  CHECK(sought == std::vector{content(0), content(2), content(3), content(4)});
  get.found(content(3), {.announced = {node(1)}, .nearest = {}});
  CHECK(get.seek() == std::vector{content(5)});
  get.found(content(0), {.announced = {node(1)}, .nearest = {}});
  CHECK_FALSE(get.end().has_value());
  const auto questions = get.next();  // two at once of one node, the first of them first
  REQUIRE(questions.size() == 2);
  CHECK(questions[0].index == 0);
  CHECK(get.arrived(0, node(1)));
  get.pass_head();
  CHECK(get.seek() == std::vector{content(6)});  // not content 0 again
}

TEST_CASE("fetch: it ends with all contents, or with the verdict that the answers allow") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    std::vector<base::NodeId> all;
    std::set<base::NodeId> silent;
    for (std::uint8_t i = 1; i <= 1 + random.below(6); ++i) {
      all.push_back(node(i));
      if (random.chance(1, 4)) silent.insert(node(i));
    }
    Fetch get(all, node(1));
    std::map<std::size_t, std::set<base::NodeId>> holders;
    for (std::size_t i = 0; i < 20; ++i) {
      get.want(content(static_cast<std::uint8_t>(random.below(256)), 1000));
      for (const auto& id : all) {
        if (random.chance(1, 2)) holders[i].insert(id);
      }
    }
    std::vector<FetchQuestion> open;
    std::set<std::size_t> arrived;
    std::vector<ContentKey> sought;
    while (!get.done() && !get.end()) {
      for (const auto& question : get.next()) open.push_back(question);
      for (const auto& key : get.seek()) sought.push_back(key);
      if (get.end()) break;
      if (get.head_ready()) {
        get.pass_head();
        continue;
      }
      if (!sought.empty() && (open.empty() || random.chance(1, 4))) {
        get.found(sought.back(), {.announced = {all[random.below(all.size())], all[random.below(all.size())]},
                                  .nearest = {all[random.below(all.size())]}});
        sought.pop_back();
        continue;
      }
      get.check();
      RC_ASSERT(!open.empty());
      std::swap(open[random.below(open.size())], open.back());
      const FetchQuestion question = open.back();
      if (random.chance(1, 4)) {
        if (!get.late(question.index, question.node)) get.give_up(question.index, question.node);
        open.push_back(question);
        continue;
      }
      open.pop_back();
      if (silent.contains(question.node)) {
        get.missed(question.index, question.node, FetchMiss::silent);
      } else if (holders[question.index].contains(question.node)) {
        const bool counts = arrived.insert(question.index).second;
        RC_ASSERT(get.arrived(question.index, question.node) == counts);
      } else {
        get.missed(question.index, question.node, FetchMiss::lacks);
      }
    }
    bool can_have_all = true;
    for (std::size_t i = 0; i < 20; ++i) {
      bool here = false;
      for (const auto& id : holders[i]) here = here || !silent.contains(id);
      can_have_all = can_have_all && here;
    }
    RC_ASSERT(get.done() == can_have_all);
    if (get.end())
      RC_ASSERT(*get.end() == (!silent.empty()   ? FetchEnd::unavailable
                               : all.size() == 1 ? FetchEnd::alone
                                                 : FetchEnd::not_found));
  }));
}

TEST_CASE("fetch: a node whose answers for earlier contents are due is asked when they have come, and the get waits") {
  Fetch get({node(1), node(2)}, kSelf);
  get.want(content(0));
  get.want(content(1));
  for (const auto& question : get.next()) {
    REQUIRE(question.node == node(1));
    CHECK(get.late(question.index, question.node));
  }
  for (const auto& question : get.next()) CHECK(get.arrived(question.index, node(2)));
  get.pass_head();
  get.pass_head();
  get.want(content(2));
  CHECK(miss(get, FetchMiss::lacks) == node(2));
  CHECK(get.next().empty());
  for (const auto& key : get.seek()) get.found(key, {});
  CHECK(get.next().empty());
  get.check();
  get.missed(0, node(1), FetchMiss::silent);
  const auto last = get.next();
  REQUIRE(last.size() == 1);
  CHECK(last[0].node == node(1));
  CHECK(get.arrived(2, node(1)));
}
