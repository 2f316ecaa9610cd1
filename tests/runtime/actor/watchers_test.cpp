// Who watches an actor: the index that its portrait and the inspector read.
#include "runtime/actor/watchers.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/portrait.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Number;
using runtime::Handle;
using runtime::Handlers;
using runtime::Watchers;

namespace {

std::vector<std::uint64_t> watchers_of(ActorFixture& actors, const Handle& one) {
  Seen seen(actors, one);
  std::vector<std::uint64_t> out;
  for (const std::uint64_t watcher : (*seen).getWatchers()) out.push_back(watcher);
  CHECK((*seen).getWatchersInAll() >= out.size());
  return out;
}

}  // namespace

TEST_CASE("watchers: an actor is watched until the last of its watches is taken back") {
  Watchers index;
  CHECK(index.of(1, 10).in_all == 0);
  index.add(1, 7);
  index.add(1, 7);
  index.add(1, 5);
  CHECK(index.of(1, 10).first == std::vector<std::uint64_t>{5, 7});
  CHECK(index.of(1, 1).first == std::vector<std::uint64_t>{5});
  CHECK(index.of(1, 0).in_all == 2);
  index.remove(1, 7);
  CHECK(index.of(1, 10).first == std::vector<std::uint64_t>{5, 7});
  index.remove(1, 7);
  CHECK(index.of(1, 10).first == std::vector<std::uint64_t>{5});
  index.remove(1, 7);
  index.remove(2, 5);
  CHECK(index.of(1, 10).in_all == 1);
  index.remove(1, 5);
  CHECK(index.size() == 0);
}

TEST_CASE("watchers: an actor names those who watch it, whatever ends the watch") {
  ActorFixture actors;
  Scripted* one = nullptr;
  const Handle watched = actors.start("watched", successor);
  const Handle first = actors.start("first", {}, [&](Scripted& self) {
    one = &self;
    self.watch(watched);
  });
  actors.stage.settle();
  CHECK(watchers_of(actors, watched) == std::vector<std::uint64_t>{first.id()});
  CHECK(watchers_of(actors, first).empty());

  SUBCASE("the watcher takes it back") {
    one->unwatch(watched);
    CHECK(watchers_of(actors, watched).empty());
  }
  SUBCASE("the watcher ends") {
    ActorFixture::kill(first);
    actors.stage.settle();
    CHECK(watchers_of(actors, watched).empty());
  }
  SUBCASE("the watched actor ends") {
    ActorFixture::kill(watched);
    actors.stage.settle();
  }
  CHECK(actors.node.watchers().size() == 0);
}

TEST_CASE("watchers: what a restart forgets is watched no more") {
  ActorFixture actors;
  const Handle watched = actors.start("watched", successor);
  int starts = 0;
  Handle watcher;
  actors.start("top", {}, [&](Scripted& self) {
    watcher = self.spawn("watcher", script(
                                        [](Scripted&, Handlers& on) {
                                          on.tell<Number>([](Number::Reader) { throw std::runtime_error("broken"); });
                                        },
                                        [&](Scripted& one) {
                                          if (++starts == 1) one.watch(watched);
                                        }));
  });
  actors.stage.settle();
  CHECK(watchers_of(actors, watched) == std::vector<std::uint64_t>{watcher.id()});
  actors.inside([&](Scripted& self) { self.tell<Number>(watcher, number(1)); });
  actors.stage.run_for(10s);
  CHECK(starts == 2);
  CHECK(watchers_of(actors, watched).empty());
}

TEST_CASE("watchers: of many a hundred are named, and all are counted") {
  ActorFixture actors;
  const Handle watched = actors.start("watched", successor);
  for (int i = 0; i < 130; ++i) actors.start("w" + std::to_string(i), {}, [&](Scripted& self) { self.watch(watched); });
  actors.stage.settle();
  Seen seen(actors, watched);
  CHECK((*seen).getWatchersInAll() == 130);
  CHECK((*seen).getWatchers().size() == 100);
}
