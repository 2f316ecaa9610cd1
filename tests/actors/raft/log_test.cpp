#include "actors/raft/logic/log.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/raft/logic/saves.hpp"
#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::text;
using raft_test::voters;

namespace {

Entry entry(std::uint64_t index, std::uint64_t term, std::string_view data = "") {
  return {.index = Index{index}, .term = Term{term}, .data = text(data)};
}

/// Indexes 2 to 7 with the terms 1 1 2 2 2 5 behind the founding snapshot.
Log some_log() {
  Log log(founding(voters({1, 2, 3})));
  std::uint64_t index = 2;
  for (const std::uint64_t term : {1, 1, 2, 2, 2, 5}) REQUIRE(log.append(entry(index++, term)).ok());
  return log;
}

}  // namespace

TEST_CASE("log: it knows the term of each entry, and where two logs may agree") {
  const Log log = some_log();
  CHECK(log.last() == Index{7});
  CHECK(log.last_term() == Term{5});
  CHECK(log.term_at(Index{1}) == Term{1});
  CHECK(log.term_at(Index{5}) == Term{2});
  CHECK_FALSE(log.term_at(Index{0}).has_value());
  CHECK_FALSE(log.term_at(Index{8}).has_value());
  CHECK(log.last_at_most(Index{7}, Term{4}) == Index{6});
  CHECK(log.last_at_most(Index{100}, Term{5}) == Index{7});
  CHECK(log.last_at_most(Index{5}, Term{1}) == Index{3});
  CHECK(log.last_at_most(Index{5}, Term{0}) == Index{0});
  CHECK(log.covered_by(Index{7}, Term{5}));
  CHECK(log.covered_by(Index{1}, Term{6}));
  CHECK_FALSE(log.covered_by(Index{6}, Term{5}));
  CHECK_FALSE(log.covered_by(Index{100}, Term{4}));
}

TEST_CASE("log: what does not follow is refused, and changes nothing") {
  Log log = some_log();
  CHECK(log.append(entry(9, 5)).error() == LogError::gap);
  CHECK(log.append(entry(7, 5)).error() == LogError::gap);
  CHECK(log.append(entry(8, 4)).error() == LogError::term_back);
  CHECK(log.append({.index = Index{8}, .term = Term{5}, .kind = EntryKind{9}}).error() == LogError::unknown);
  CHECK(log.append({.index = Index{8}, .term = Term{5}, .kind = EntryKind::membership, .data = text("?")}).error() ==
        LogError::unknown);
  CHECK(log.last() == Index{7});
  CHECK(log.append(entry(8, 5)).ok());
}

TEST_CASE("log: a configuration counts from its entry on, and goes with it") {
  Log log = some_log();
  const Configuration next = voters({1, 2});
  const auto data = std::make_shared<const base::Bytes>(encode(next));
  REQUIRE(log.append({.index = Index{8}, .term = Term{5}, .kind = EntryKind::membership, .data = data}).ok());
  CHECK(log.configuration() == next);
  CHECK(log.configuration_index() == Index{8});
  CHECK(log.configuration_at(Index{7}) == voters({1, 2, 3}));
  SUBCASE("when it is truncated") {
    log.truncate(Index{8});
    CHECK(log.configuration() == voters({1, 2, 3}));
  }
  SUBCASE("but not when the log is compacted behind it") {
    log.compact({.index = Index{8}, .term = Term{5}, .configuration = next});
    CHECK(log.configuration() == next);
    CHECK(log.first() == Index{9});
    CHECK(log.term_at(Index{8}) == Term{5});
    CHECK_FALSE(log.term_at(Index{7}).has_value());
  }
}

TEST_CASE("log: any changes agree with a model that keeps all entries") {
  CHECK(rc::check("append, truncate, compact, evict", [] {
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    Log log(founding(voters({1})));
    std::vector<Entry> all{{.index = Index{1}, .term = Term{1}}};  // from index 1
    Index behind{1};                                               // the snapshot's
    Term term{1};
    for (int step = 0; step < 200; ++step) {
      const Index last{all.size()};
      switch (random.below(8)) {
        case 0:
          if (last > behind) {
            const Index at = std::max(behind + 1 + random.below(last - behind), log.window_first());
            if (at > last) break;
            log.truncate(at);
            all.resize(at.value - 1);
          }
          break;
        case 1: {
          behind = behind + random.below(last - behind + 1);
          log.compact({.index = behind, .term = all[behind.value - 1].term, .configuration = voters({1})});
          break;
        }
        case 2: log.evict(Index{random.below(last.value + 1)}, random.below(200)); break;
        default:
          if (random.chance(1, 5)) term = term.next();
          all.push_back(entry(last.value + 1, term.value, std::string(random.below(9), 'x')));
          RC_ASSERT(log.append(all.back()).ok());
      }
      term = all.back().term;
      RC_ASSERT(log.last() == Index{all.size()});
      RC_ASSERT(log.last_term() == all.back().term);
      for (Index at = behind; at <= log.last(); at = at.next()) {
        RC_ASSERT(log.term_at(at) == all[at.value - 1].term);
        if (at >= log.window_first()) RC_ASSERT(*log.find(at) == all[at.value - 1]);
      }
      std::uint64_t bytes = 0;
      for (Index at = log.window_first(); at <= log.last(); at = at.next()) bytes += all[at.value - 1].bytes();
      RC_ASSERT(log.window_bytes() == bytes);
      RC_ASSERT(log.bytes_behind(log.window_first().previous()) == bytes);
      if (log.window_first() <= log.last()) {
        const auto part = log.slice(log.window_first(), log.last(), random.below(300));
        RC_ASSERT(!part.empty());
        RC_ASSERT(part.front() == all[log.window_first().value - 1]);
      }
    }
  }));
}

TEST_CASE("saves: an index is durable only for the entry that it has now") {
  Log log = some_log();
  Saves saves(Index{1});
  const base::Instant now;
  const auto first = saves.issue(log, {}, now);
  REQUIRE(first.has_value());
  CHECK(first->entries.size() == 6);
  CHECK_FALSE(first->state.has_value());
  CHECK_FALSE(saves.issue(log, {}, now).has_value());
  log.truncate(Index{5});
  saves.truncated(Index{5});
  REQUIRE(log.append(entry(5, 6)).ok());
  const auto second = saves.issue(log, {}, now);
  REQUIRE(second.has_value());
  CHECK(second->entries == std::vector<Entry>{entry(5, 6)});
  CHECK(saves.of_entry(Index{4}) == first->id);
  CHECK(saves.of_entry(Index{5}) == second->id);
  saves.saved(first->id);
  CHECK(saves.durable() == Index{4});
  saves.saved(second->id);
  CHECK(saves.durable() == Index{5});
  CHECK_THROWS_AS(saves.saved(second->id), base::InvariantBroken);
  CHECK_THROWS_AS(saves.saved(second->id.next()), base::InvariantBroken);
}

TEST_CASE("saves: a log that begins anew behind a snapshot forgets what was on its way") {
  Log log = some_log();
  Saves saves(Index{1});
  const auto first = saves.issue(log, {}, {});
  REQUIRE(first.has_value());
  const Snapshot snapshot{.index = Index{4}, .term = Term{3}, .configuration = voters({1})};
  log.reset(snapshot);
  saves.restarted(snapshot);
  CHECK(saves.durable() == Index{4});
  REQUIRE(log.append(entry(5, 6)).ok());
  saves.saved(first->id);
  CHECK(saves.durable() == Index{4});
  const auto second = saves.issue(log, {}, {});
  REQUIRE(second.has_value());
  CHECK(second->restart == snapshot);
  CHECK(second->entries.size() == 1);
}
