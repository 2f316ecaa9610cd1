#include "actors/files/logic/watch.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ensure.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace std::chrono_literals;

namespace {

const std::vector<base::NodeId> kNodes{node(1), node(2), node(3), node(4), node(5)};

/// `count` contents of file 10, each wanted twice and held by nodes 1 and 2.
Catalogue catalogue_of(std::uint8_t count) {
  Catalogue catalogue;
  Entry entry;
  entry.cid = cid(10);
  entry.replicas = 2;
  entry.added = kToday;
  std::vector<HeldContent> contents;
  for (std::uint8_t i = 0; i < count; ++i) contents.push_back({content(0, 1000u + i), {node(1), node(2)}});
  catalogue.apply(catalogue.plan_add(put_id(1), entry, contents, {}, kToday).value());
  return catalogue;
}

/// One round in which `silent` nodes do not answer, `forgetful` ones lack everything and `busy` ones are overloaded.
RoundEnd round(Watch& watch, Catalogue& catalogue, std::set<base::NodeId> silent, std::set<base::NodeId> forgetful = {},
               std::set<base::NodeId> busy = {}) {
  const base::Instant now = watch.due();
  for (const WatchQuestion& question : watch.begin(catalogue, now)) {
    if (silent.contains(question.node)) {
      watch.silent(question);
    } else if (busy.contains(question.node)) {
      watch.busy(question);
    } else {
      watch.answered(question, std::vector<bool>(question.contents.size(), !forgetful.contains(question.node)));
    }
  }
  RoundEnd end = watch.end(catalogue, kNodes, now + 1s);
  catalogue.apply(end.change);
  return end;
}

}  // namespace

TEST_CASE("watch: a round is due at the start, and then after each period, not before") {
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(5s));
  CHECK(watch.begin(catalogue, base::Instant(4s)).empty());
  CHECK_FALSE(watch.in_round());
  CHECK(watch.begin(catalogue, base::Instant(5s)).size() == 2);
  CHECK(watch.in_round());
  CHECK(watch.begin(catalogue, base::Instant(500s)).empty());  // one round at a time
  watch.end(catalogue, kNodes, base::Instant(7s));
  CHECK(watch.due() == base::Instant(65s));
  CHECK_THROWS_AS(watch.end(catalogue, kNodes, base::Instant(8s)), base::InvariantBroken);
}

TEST_CASE("watch: with all copies in place there is nothing to do") {
  Catalogue catalogue = catalogue_of(3);
  Watch watch({}, base::Instant(0s));
  const RoundEnd end = round(watch, catalogue, {});
  CHECK(end.change.empty());
  CHECK(end.restores.empty());
  CHECK(end.contents_short == 0);
}

TEST_CASE("watch: a holder that is gone is replaced by the nearest other node, once it was silent twice") {
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(0s));
  CHECK(round(watch, catalogue, {node(1)}).restores.empty());
  CHECK(watch.absent().empty());
  const RoundEnd end = round(watch, catalogue, {node(1)});
  CHECK(watch.absent() == std::vector{node(1)});
  REQUIRE(end.restores.size() == 1);
  CHECK(end.restores[0].target == node(3));
  CHECK(end.restores[0].sources == std::vector{node(2)});
  CHECK(end.contents_short == 1);

  SUBCASE("the new copy counts, and the old one again when its node is back") {
    catalogue.apply(catalogue.plan_held(cid(10), content(0), node(3), watch.absent(), kToday));
    CHECK(round(watch, catalogue, {node(1)}).restores.empty());
    CHECK(round(watch, catalogue, {}).contents_short == 0);
    CHECK(watch.absent().empty());
    CHECK(catalogue.holders(cid(10), content(0)).size() == 3);
  }
  SUBCASE("a target that refuses is passed over for a while") {
    watch.refused(node(3));
    for (std::uint32_t i = 0; i < WatchLimits{}.refusal_rounds; ++i) {
      CHECK(round(watch, catalogue, {node(1)}).restores.at(0).target == node(4));
    }
    CHECK(round(watch, catalogue, {node(1)}).restores.at(0).target == node(3));
  }
  SUBCASE("one that holds nothing of ours any more is not absent for ever") {
    catalogue.apply(catalogue.plan_holders(cid(10), content(0), std::vector{node(2), node(4)}));
    round(watch, catalogue, {});
    CHECK(watch.absent().empty());
  }
  SUBCASE("after a restart the same happens again") {
    Watch fresh({}, base::Instant(0s));
    CHECK(round(fresh, catalogue, {node(1)}).restores.empty());
    CHECK(round(fresh, catalogue, {node(1)}).restores.size() == 1);
  }
}

TEST_CASE("watch: a holder that is busy is not gone, unless it always is") {
  Catalogue catalogue = catalogue_of(1);
  const WatchLimits limits;
  Watch watch(limits, base::Instant(0s));
  const std::uint32_t passes = limits.silent_passes_max * limits.busy_part;
  for (std::uint32_t i = 1; i < passes; ++i) CHECK(round(watch, catalogue, {}, {}, {node(1)}).restores.empty());
  SUBCASE("an answer in between shows that it is there") {
    CHECK(round(watch, catalogue, {}).restores.empty());
    CHECK(round(watch, catalogue, {}, {}, {node(1)}).restores.empty());
  }
  SUBCASE("one more, and it is replaced") {
    CHECK(round(watch, catalogue, {}, {}, {node(1)}).restores.size() == 1);
    CHECK(watch.absent() == std::vector{node(1)});
  }
}

TEST_CASE("watch: copies go to those who were found near the content, and it says where they are wanted") {
  Catalogue catalogue = catalogue_of(2);
  Watch watch({}, base::Instant{});
  for (const WatchQuestion& question : watch.begin(catalogue, watch.due()))
    watch.answered(question, std::vector<bool>(question.contents.size(), question.node == node(1)));
  CHECK(watch.wanting(catalogue) == std::vector{content(0).position()});
  const Near near{{content(0).position(), {node(9), node(8), node(1)}}};
  const RoundEnd end = watch.end(catalogue, kNodes, base::Instant(1s), near);
  REQUIRE(end.restores.size() == 2);
  for (const Restore& restore : end.restores) CHECK(restore.target == node(8));
  catalogue.apply(end.change);

  for (const WatchQuestion& question : watch.begin(catalogue, watch.due()))
    watch.answered(question, std::vector<bool>(question.contents.size(), true));
  CHECK(watch.wanting(catalogue).size() == 1);
  // Those that are found take nothing: the others that are known may.
  watch.refused(node(8));
  watch.refused(node(9));
  const RoundEnd next = watch.end(catalogue, kNodes, base::Instant(100s), near);
  REQUIRE(next.restores.size() == 2);
  CHECK(next.restores[0].target == node(2));
}

TEST_CASE("watch: a copy goes to a site that has none, if there is any") {
  base::AddressGroup one, two;
  one.prefix[0] = 1;
  two.prefix[0] = 2;
  const Sites sites{{node(2), one}, {node(3), one}, {node(4), one}, {node(5), two}};
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant{});
  for (const WatchQuestion& question : watch.begin(catalogue, watch.due()))
    watch.answered(question, std::vector<bool>(question.contents.size(), question.node == node(2)));
  const std::vector<base::NodeId> others{node(3), node(4), node(5)};
  SUBCASE("there is") {
    const RoundEnd end = watch.end(catalogue, others, base::Instant(1s), {}, sites);
    REQUIRE(end.restores.size() == 1);
    CHECK(end.restores[0].target == node(5));
  }
  SUBCASE("there is none") {
    const RoundEnd end = watch.end(catalogue, std::vector{node(3), node(4)}, base::Instant(1s), {}, sites);
    REQUIRE(end.restores.size() == 1);
    CHECK(end.restores[0].target == node(3));
  }
}

TEST_CASE("watch: a holder that only says that it has its contents is found out, and they are stored elsewhere") {
  constexpr std::uint8_t kContents = 20;
  Catalogue catalogue = catalogue_of(kContents);
  Watch watch({.rounds_per_read = 1}, base::Instant(0s));
  base::Random random(7);
  std::set<base::NodeId> failing;
  WatchReadEnd failure = WatchReadEnd::lacks;
  const auto pass = [&] {
    const base::Instant now = watch.due();
    for (const WatchQuestion& question : watch.begin(catalogue, now))
      watch.answered(question, std::vector<bool>(question.contents.size(), true));
    std::set<base::NodeId> asked;
    for (const WatchRead& read : watch.reads(random)) {
      CHECK(asked.insert(read.node).second);
      watch.was_read(read, failing.contains(read.node) ? failure : WatchReadEnd::sound);
    }
    CHECK(asked.size() >= 2);
    RoundEnd end = watch.end(catalogue, kNodes, now + 1s);
    catalogue.apply(end.change);
    return end;
  };
  CHECK(pass().restores.empty());
  failing = {node(1)};
  SUBCASE("what it lacks is stored anew at once, at another node, and in the end all of it") {
    for (std::uint32_t i = 1; i < WatchLimits{}.unread_max; ++i) {
      const RoundEnd end = pass();
      CHECK(end.change.save.size() == 1);
      REQUIRE(end.restores.size() >= 1);
      for (const Restore& restore : end.restores) CHECK(restore.target == node(3));
      CHECK(watch.absent().empty());
    }
    CHECK(pass().restores.size() == kContents);
    CHECK(watch.absent() == std::vector{node(1)});
    failing.clear();
    pass();
    CHECK(watch.absent().empty());
  }
  SUBCASE("silence loses it no single content, and comes to the same") {
    failure = WatchReadEnd::silent;
    for (std::uint32_t i = 1; i < WatchLimits{}.unread_max; ++i) CHECK(pass().restores.empty());
    CHECK(pass().restores.size() == kContents);
    CHECK(watch.absent() == std::vector{node(1)});
  }
  SUBCASE("one that is too busy to give any is asked again, until it always is") {
    failure = WatchReadEnd::busy;
    for (std::uint32_t i = 1; i < WatchLimits{}.unread_max * WatchLimits{}.busy_part; ++i)
      CHECK(pass().restores.empty());
    CHECK(pass().restores.size() == kContents);
  }
  SUBCASE("one that gives the next one has only lost a content") {
    CHECK(pass().restores.size() == 1);
    failing.clear();
    CHECK(pass().contents_short == 1);
    failing = {node(1)};
    for (std::uint32_t i = 1; i < WatchLimits{}.unread_max; ++i) pass();
    CHECK(watch.absent().empty());
  }
}

TEST_CASE("watch: few holders are read from in a round, those in doubt first, and in most rounds none") {
  Catalogue catalogue;
  Entry entry;
  entry.cid = cid(10);
  entry.replicas = 1;
  std::vector<HeldContent> contents;
  constexpr std::uint8_t kHolders = 40;
  for (std::uint8_t i = 1; i <= kHolders; ++i) contents.push_back({content(0, 1000u + i), {node(i)}});
  catalogue.apply(catalogue.plan_add(put_id(1), entry, contents, {}, kToday).value());
  base::Random random(3);
  const auto begin = [&](Watch& watch) {
    for (const WatchQuestion& question : watch.begin(catalogue, watch.due()))
      watch.answered(question, std::vector<bool>(question.contents.size(), true));
    return watch.reads(random);
  };
  Watch each({.rounds_per_read = 1}, base::Instant{});
  const auto reads = begin(each);
  REQUIRE(reads.size() == WatchLimits{}.reads_per_round_max);
  for (const WatchRead& read : reads) each.was_read(read, WatchReadEnd::silent);
  each.end(catalogue, kNodes, base::Instant(1s));
  std::set<base::NodeId> doubted, again;
  for (const WatchRead& read : reads) doubted.insert(read.node);
  for (const WatchRead& read : begin(each)) again.insert(read.node);
  CHECK(again == doubted);

  Watch watch({}, base::Instant{});
  int rounds = 0;
  for (int i = 0; i < 160; ++i) {
    rounds += begin(watch).empty() ? 0 : 1;
    watch.end(catalogue, kNodes, watch.due());
  }
  CHECK(rounds > 0);
  CHECK(rounds < 40);
}

TEST_CASE("watch: a planted bug that counts absent holders is visible") {
  const Planted bug("files.absent_holder_counted");
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(0s), bug);
  for (int i = 0; i < 5; ++i) CHECK(round(watch, catalogue, {node(1)}).restores.empty());
}

TEST_CASE("watch: a holder that lacks a content is off its list at once, and may get it again") {
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(0s));
  const RoundEnd end = round(watch, catalogue, {}, {node(1)});
  CHECK(catalogue.holders(cid(10), content(0)) == std::vector{node(2)});
  REQUIRE(end.restores.size() == 1);
  CHECK(end.restores[0].target == node(1));
}

TEST_CASE("watch: a content without any live copy is lost until a holder comes back") {
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(0s));
  round(watch, catalogue, {node(1), node(2)});
  RoundEnd end = round(watch, catalogue, {node(1), node(2)});
  CHECK(end.contents_lost == 1);
  CHECK(end.restores.empty());
  end = round(watch, catalogue, {node(1)});
  CHECK(end.contents_lost == 0);
  CHECK(end.restores.size() == 1);
}

TEST_CASE("watch: an answer of another length is none") {
  Catalogue catalogue = catalogue_of(2);
  Watch watch(WatchLimits{.silent_passes_max = 1}, base::Instant(0s));
  for (const WatchQuestion& question : watch.begin(catalogue, watch.due())) {
    watch.answered(question, std::vector<bool>(question.node == node(1) ? 1 : 2, true));
  }
  CHECK(watch.end(catalogue, kNodes, base::Instant(1s)).restores.size() == 2);
}

TEST_CASE("watch: a file that is removed during a round is left alone") {
  Catalogue catalogue = catalogue_of(1);
  Watch watch({}, base::Instant(0s));
  const auto questions = watch.begin(catalogue, watch.due());
  catalogue.apply(catalogue.plan_remove(cid(10), kToday).value());
  for (const auto& question : questions) watch.answered(question, {false});
  const RoundEnd end = watch.end(catalogue, kNodes, base::Instant(1s));
  CHECK(end.change.empty());
  CHECK(end.restores.empty());
}

TEST_CASE("watch: the work of a round is bounded, and a pass comes round to every content") {
  Catalogue catalogue = catalogue_of(5);
  Watch watch(WatchLimits{.contents_per_round_max = 2, .contents_per_question_max = 1, .restores_per_round_max = 1},
              base::Instant(0s));
  std::set<ContentKey> asked;
  for (int i = 0; i < 3; ++i) {
    const base::Instant now = watch.due();
    const auto questions = watch.begin(catalogue, now);
    CHECK(questions.size() == (i < 2 ? 4 : 2));
    for (const auto& question : questions) {
      CHECK(question.contents.size() == 1);
      asked.insert(question.contents[0]);
      watch.silent(question);
    }
    watch.end(catalogue, kNodes, now);
    CHECK(watch.absent().empty());  // silence counts once a pass
    CHECK(watch.due() == (i < 2 ? now + 1s : base::Instant(60s)));
  }
  CHECK(asked.size() == 5);
  // Both contents of the round lack two copies each; one is restored, the rest in later rounds.
  CHECK(round(watch, catalogue, {}, {node(1)}).restores.size() == 1);
}
