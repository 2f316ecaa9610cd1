// Whether an actor serves: AwaitReady, which everybody answers.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Code;
using runtime::Handlers;
using runtime::wire::AwaitReady;
using test::ActorFixture;
using test::Scripted;
using Nothing = messages::wire::Nothing;

namespace {

struct Heard {
  bool ready = false;
  std::optional<Code> refused;
};

void ask(ActorFixture& actors, const runtime::Handle& whom, Heard& heard, base::Duration patience = 60s) {
  actors.inside([&](Scripted& self) {
    self.ask<AwaitReady, Nothing>(
        whom, self.now() + patience, [](auto) {},
        [&heard](const runtime::Answer<Nothing>& answer) {
          heard.ready = answer.ok();
          if (!answer.ok()) heard.refused = answer.error().code;
        });
  });
}

}  // namespace

TEST_CASE("actor: one that does not say when it serves is ready as soon as it has started") {
  ActorFixture actors;
  Heard heard;
  ask(actors, actors.start("plain", {}), heard);
  CHECK(heard.ready);
}

TEST_CASE("actor: one that passes every kind on is asked itself whether it serves") {
  ActorFixture actors;
  Heard heard;
  ask(actors,
      actors.start("any",
                   [](Scripted&, Handlers& on) {
                     on.other([](const runtime::Envelope&, runtime::AnyReply) {
                       FAIL("a word of the runtime was passed on");
                     });
                   }),
      heard);
  CHECK(heard.ready);
}

TEST_CASE("actor: one that broke while it started is ready after its restart, and whoever waited hears of it") {
  ActorFixture actors;
  int starts = 0;
  runtime::Handle child;
  actors.start("parent", {}, [&](Scripted& self) {
    child =
        self.spawn("child", test::script({}, [&](Scripted&) { base::ensure(++starts > 1, "the second one works"); }));
  });
  Heard heard;
  ask(actors, child, heard);
  CHECK_FALSE(heard.ready);
  actors.stage.run_for(10s);
  CHECK(heard.ready);
  CHECK(starts == 2);
}

TEST_CASE("actor: one that says itself when it serves keeps the answer back until then") {
  ActorFixture actors;
  runtime::Reply<Nothing> waits;
  const auto slow = actors.start("slow", [&](Scripted&, Handlers& on) {
    on.ask<AwaitReady, Nothing>([&](AwaitReady::Reader, runtime::Reply<Nothing> reply) { waits = std::move(reply); });
  });
  Heard heard;
  ask(actors, slow, heard, 5s);
  actors.stage.run_for(4s);
  CHECK_FALSE(heard.ready);
  CHECK_FALSE(heard.refused);
  SUBCASE("then it is ready") {
    waits.done();
    actors.stage.settle();
    CHECK(heard.ready);
  }
  SUBCASE("who waited for too long hears that") {
    actors.stage.run_for(2s);
    CHECK(heard.refused == Code::timeout);
    waits = {};
  }
}

TEST_CASE("actor: a stranger cannot ask whether an actor serves") {
  CHECK_FALSE(messages::may_send(messages::kind_of<AwaitReady>(), messages::Role::peer));
  CHECK_FALSE(messages::may_send(messages::kind_of<AwaitReady>(), messages::Role::operate));
}
