// Whether anything happens in a node: what ends its rest, and what does not.
#include "runtime/actor/rest.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::runtime;
using namespace std::chrono_literals;
using bench::wire::Number;
using test::Scripted;

namespace {

struct Stirred {};
struct Soon {};

/// An actor that watches its node, and counts how often it was told.
struct Watched {
  Watched() {
    actors.node.start("watcher", test::script(
                                     [this](Scripted& self, Handlers& on) {
                                       on.timer<Soon>([this, &self] { watch(self); });
                                       on.timer<Stirred>([this] { ++told; });
                                       on.tell<Number>([this, &self](Number::Reader number) {
                                         base::ensure(number.getValue() != 0, "it is whole");
                                         watch(self);
                                       });
                                     },
                                     [](Scripted& self) { self.after<Soon>(1s); }));
    other = actors.start("other", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
    actors.stage.run_for(2s);
  }
  void watch(Scripted& self) {
    self.note_stirs();
    if (stirs_meanwhile) test_tell(other);
    self.after_stir<Stirred>();
  }
  static void test_tell(const Handle& whom, std::uint64_t value = 1) {
    whom->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                  Envelope::build<Number>({}, [value](Number::Builder out) { out.setValue(value); })),
        nullptr);
  }
  void pass(base::Duration time) { actors.stage.run_for(time); }

  int told = 0;
  bool stirs_meanwhile = false;
  test::ActorFixture actors;
  Handle other;
};

}  // namespace

TEST_CASE("rest: a watcher is told once of the first message that any actor takes") {
  Watched node;
  node.pass(1h);
  CHECK(node.told == 0);
  Watched::test_tell(node.other);
  node.pass(1s);
  CHECK(node.told == 1);
  Watched::test_tell(node.other);
  node.pass(1h);
  CHECK(node.told == 1);
}

TEST_CASE("rest: an alarm ends it, as a message does") {
  Watched node;
  SUBCASE("a new one") { node.actors.node.alarms().sound(Alarm::slow_sync, "/store", 2s, base::Instant{1h}); }
  SUBCASE("one that goes on") { node.actors.node.alarms().lasts(Alarm::slow_handler, "/other", 2s, base::Instant{1h}); }
  node.pass(1s);
  CHECK(node.told == 1);
}

TEST_CASE("rest: what the watcher does itself does not count") {
  Watched node;
  const Handle watcher = node.actors.node.find("/watcher");
  SUBCASE("it looks again") {
    Watched::test_tell(watcher);
    node.pass(1h);
    CHECK(node.told == 0);
    Watched::test_tell(node.other);
    node.pass(1s);
    CHECK(node.told == 1);  // by the latest call alone
  }
  SUBCASE("another actor ran before it waited: it is told at once") {
    node.stirs_meanwhile = true;
    Watched::test_tell(watcher);
    node.pass(1s);
    CHECK(node.told == 1);
  }
}

TEST_CASE("rest: a watcher that has ended is told nothing") {
  Watched node;
  test::ActorFixture::kill(node.actors.node.find("/watcher"));
  node.pass(1s);
  Watched::test_tell(node.other);
  node.pass(1s);
  CHECK(node.told == 0);
}
