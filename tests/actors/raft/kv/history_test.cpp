#include "actors/raft/logic/kv/history.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/raft/kv/commands.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Store;

TEST_CASE("kv history: any past that is here is as it was, and no other is told") {
  CHECK(rc::check("get and since", [](std::uint64_t seed) {
    base::Random random(seed);
    std::int64_t time = 0;
    Store store;
    kv::History history({}, 1 + random.below(60), 100'000);
    std::vector<std::map<std::string, std::string>> states(1);  // by revision
    std::vector<kv::Changed> all;
    std::vector<kv::Revision> revisions;
    for (int step = 0; step < 120; ++step) {
      const auto applied = store.apply(raft_test::drawn(random, time));
      history.add(applied.changes);
      if (random.chance(1, 10)) history.compact(store.machine.oldest());
      all.insert(all.end(), applied.changes.begin(), applied.changes.end());
      if (states.size() > store.machine.revision().value) continue;
      states.emplace_back();
      for (const auto& [key, row] : store.machine.range("", "", 1'000, 100'000).rows)
        states.back()[key] = raft_test::shown(row.value);
    }
    for (std::uint64_t at = 0; at < states.size(); ++at)
      for (const std::string key : {"a", "b", "aa", "bb", "c"}) {
        const auto got = history.get(key, {at}, store.machine.get(key));
        if (!got.ok()) {
          RC_ASSERT(got.error().oldest == history.oldest());
          continue;
        }
        const auto was = states[at].find(key);
        RC_ASSERT(raft_test::shown(got.value()) == (was == states[at].end() ? "absent" : was->second));
      }
    const auto seen = history.since(history.oldest(), "a", 1'000);
    RC_ASSERT(seen.ok());
    std::size_t expected = 0;
    for (const kv::Changed& change : all) expected += change.revision >= history.oldest() && change.key[0] == 'a';
    RC_ASSERT(seen.value().size() == expected);
    if (history.oldest().value > 0) RC_ASSERT(!history.since({history.oldest().value - 1}, "", 10).ok());
  }));
}

TEST_CASE("kv history: as many changes as may be, and one more; a revision is not cut") {
  Store store;
  kv::History history({}, 3, 100'000);
  history.add(store.txn({}, {raft_test::put("a", "1"), raft_test::put("b", "1")}).changes);
  history.add(store.txn({}, {raft_test::put("a", "2")}).changes);
  CHECK(history.size() == 3);
  CHECK(history.oldest().value == 1);
  CHECK(history.since({1}, "", 1).value().size() == 2);
  history.add(store.txn({}, {raft_test::put("a", "3")}).changes);
  CHECK(history.size() == 2);
  CHECK(history.oldest().value == 2);
  CHECK(history.get("b", {1}, store.machine.get("b")).ok());  // it has not changed since
  CHECK_FALSE(history.get("a", {0}, store.machine.get("a")).ok());
}
