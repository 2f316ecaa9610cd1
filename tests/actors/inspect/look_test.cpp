#include "runtime/observe/decode.hpp"
#include "tests/actors/inspect/inspect_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

struct Soon {};
struct Later {};

/// What a reader who knows no schema prints of the state.
std::string state_line(wire::Looked::Reader looked) {
  observe::Decoder decoder;
  for (const auto schema : looked.getSchemas()) REQUIRE(decoder.learn({schema.begin(), schema.size()}).ok());
  const auto words = looked.getPortrait().getState();
  return decoder.line(looked.getPortrait().getStateKind(), {words.begin(), words.size()}, 1'000);
}

std::string name_of(wire::Looked::Reader looked, std::uint64_t id) {
  for (const auto one : looked.getNames())
    if (one.getId() == id) return one.getText().cStr();
  return {};
}

}  // namespace

TEST_CASE("inspect look: an actor says what it is, what it waits for and what it shows of itself") {
  InspectFixture fixture;
  const Handle hung = fixture.hung("hung");
  Handle child;
  Scripted* me = nullptr;
  const auto middle = [&](Scripted& self, Handlers& on) {
    me = &self;
    test::successor(self, on);
    on.timer<Soon>([] {});
    on.timer<Later>([] {});
    on.tell<Latest>([&self, hung](Latest::Reader) {
      self.ask<Number, Number>(hung, self.now() + 60s, number(1), [](auto) {});
      self.after<Later>(10s);
    });
    on.describe<bench::wire::Parcel>([](bench::wire::Parcel::Builder state) { state.setNumber(42); });
  };
  fixture.start("top", {}, [&](Scripted& self) {
    child = self.spawn("middle", test::script(middle, [](Scripted& other) { other.spawn("leaf", test::script({})); }));
  });
  fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
  fixture.pass(1s);
  {
    const auto got = fixture.look_at("/middle");
    const auto looked = **got;
    CHECK(looked.getNode().size() == 20);
    CHECK(looked.getSilent().size() == 0);
    CHECK(looked.getHandling().size() == 0);
    CHECK(std::string(looked.getRow().getPath()) == "/middle");
    CHECK(looked.getRow().getHandled() == 1);
    CHECK(looked.getRow().getAsking() == 1);
    const auto portrait = looked.getPortrait();
    CHECK_FALSE(std::string(portrait.getParent()).empty());
    REQUIRE(portrait.getChildren().size() == 1);
    CHECK(std::string(portrait.getChildren()[0]) == "/middle/leaf");
    REQUIRE(portrait.getAsks().size() == 1);
    CHECK(portrait.getAsks()[0].getSinceMs() == 1'000);
    CHECK(portrait.getAsks()[0].getDueMs() == 59'000);
    CHECK(std::string(portrait.getAsks()[0].getKind()) == "bench.Number");
    CHECK(name_of(looked, portrait.getAsks()[0].getTo()) == "/hung");
    REQUIRE(portrait.getTimers().size() == 1);
    CHECK(has(portrait.getTimers()[0].getName().cStr(), "Later"));
    CHECK(portrait.getTimers()[0].getDueMs() == 9'000);
    CHECK(portrait.getIncarnation() == 1);
    CHECK(std::string(looked.getStateName()) == "bench.Parcel");
    CHECK(state_line(looked) == "number=42");
  }
  // It was looked at: from now on it keeps what it handles.
  fixture.ask_number(child, 3);
  fixture.pass(5s);
  const auto got = fixture.look_at("/middle");
  const auto looked = **got;
  REQUIRE(looked.getPortrait().getMessages().size() == 3);
  const auto last = looked.getPortrait().getMessages()[0];
  CHECK(std::string(last.getKind()) == "bench.Number");
  CHECK(name_of(looked, last.getFrom()) == "/outside");
  CHECK(last.getAgoMs() == 5'000);
  CHECK(looked.getPortrait().getKeptForMs() == 5'000);
  CHECK(looked.getPortrait().getTimed() == 3);
  CHECK(fixture.actors.node.recent_pool().bytes() > 0);
  fixture.pass(65s);  // the look is over a minute after the last one
  CHECK(fixture.actors.node.recent_pool().bytes() == 0);
  child = {};
}

TEST_CASE("inspect look: who watches an actor is named by its path") {
  InspectFixture fixture;
  const Handle watched = fixture.start("watched", {});
  fixture.start("watcher", {}, [&](Scripted& self) { self.watch(watched); });
  fixture.pass(1s);
  const auto got = fixture.look_at("/watched");
  const auto looked = **got;
  CHECK(looked.getPortrait().getWatchersInAll() == 1);
  REQUIRE(looked.getPortrait().getWatchers().size() == 1);
  CHECK(name_of(looked, looked.getPortrait().getWatchers()[0]) == "/watcher");
}

TEST_CASE("inspect look: what broke an actor is there for whoever comes later") {
  InspectFixture fixture;
  Handle child;
  const auto fragile = [](Scripted&, Handlers& on) {
    on.tell<Latest>([](Latest::Reader) { base::ensure(false, "the actor is whole"); });
  };
  fixture.start("top", {}, [&](Scripted& self) { child = self.spawn("weak", test::script(fragile)); });
  fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
  {
    const auto got = fixture.look_at("/weak");
    const auto looked = **got;
    CHECK(std::string(looked.getRow().getState()) == "restarting");
    CHECK(looked.getSilent().size() == 0);
    CHECK(looked.getPortrait().getStateKind() == 0);
    CHECK(looked.getSchemas().size() == 0);
  }
  fixture.pass(20s);
  const auto got = fixture.look_at("/weak");
  const auto portrait = (**got).getPortrait();
  CHECK(portrait.getIncarnation() == 2);
  REQUIRE(portrait.getErrors().size() == 1);
  CHECK(portrait.getErrors()[0].getCode() == static_cast<int>(Code::internal));
  CHECK(portrait.getErrors()[0].getAgoMs() == 20'000);
  CHECK(has(portrait.getErrors()[0].getText().cStr(), "the actor is whole"));
  child = {};
}

TEST_CASE("inspect look: nobody at that path is not found, whatever the path is") {
  InspectFixture fixture;
  for (const char* path : {"/nobody", "", "/", "inspect", "/inspect/", "\x1b[2J\xff"}) {
    const auto got = fixture.look_at(path);
    CHECK_MESSAGE(got->refused(Code::not_found), path);
  }
  CHECK(fixture.look_at(std::string(400, 'x'))->refused(Code::not_found));
  CHECK(fixture.look_at("/inspec")->error->message == "there is no actor \"/inspec\"; did you mean \"/inspect\"?");
}

TEST_CASE("inspect look: of one that has ended it is told that it has, and why") {
  InspectFixture fixture;
  fixture.start("gone", {}, [](Scripted& self) { self.finish("nobody needs it"); });
  fixture.others.clear();
  fixture.pass(5s);
  const auto got = fixture.look_at("/gone");
  REQUIRE(got->refused(Code::not_found));
  CHECK(got->error->message == "the actor \"/gone\" has ended 5 s ago (finished: nobody needs it)");
}

TEST_CASE("inspect look: one that hangs is shown after two seconds, with what it hangs in") {
  InspectFixture fixture(1h);
  const Handle hung = fixture.hung("hung");
  fixture.ask_number(hung, 2);
  const auto got = fixture.look_at("/hung");
  std::string silent = "it did not answer this request within 2 s";
  SUBCASE("as long as that is not known") {
    fixture.pass(1'999ms);
    CHECK_FALSE(got->envelope);
    fixture.pass(1ms);
    CHECK(std::string((**got).getHandling()).empty());
    CHECK((**got).getHandlingMs() == 0);
    CHECK(std::string((**got).getRow().getState()) == "running");
  }
  SUBCASE("as whoever watches the threads has seen it") {
    const auto since = fixture.clock.now();
    const auto record = fixture.actors.record("/hung");
    fixture.actors.node.set_long_turns({{record.get(), &messages::kind_of<Number>(), since}});
    fixture.pass(2s);
    CHECK(std::string((**got).getHandling()) == "bench.Number");
    CHECK((**got).getHandlingMs() == 2'000);
    CHECK(std::string((**got).getRow().getState()) == "stuck");
  }
  SUBCASE("it comes to it after all, too late") {
    fixture.pass(2s);
    fixture.actors.stage.unpark(hung.id());
    fixture.pass(1s);
    CHECK((**got).getRow().getMailbox() == 2);
  }
  CHECK(std::string((**got).getSilent()) == silent);
  CHECK_FALSE((**got).hasPortrait());
  CHECK((**got).getSchemas().size() == 0);
  CHECK((**got).getRow().getMailbox() == 2);
  CHECK(std::string((**got).getRow().getHeadKind()) == "bench.Number");
  CHECK(std::string((**got).getRow().getHeadFrom()) == "/outside");
  CHECK((**got).getRow().getOldestMs() == 2'000);
}

TEST_CASE("inspect look: one that ends or breaks before it has answered is told with why") {
  InspectFixture fixture(1h);
  SUBCASE("ends") {
    Handle child;
    fixture.start(
        "top",
        [&](Scripted& self, Handlers& on) {
          on.tell<Latest>([&](Latest::Reader) {  // without this word it would answer first
            self.send(child, runtime::Envelope::build<runtime::wire::Stop>(
                                 {}, [](runtime::wire::Stop::Builder out) { out.setGivenUp(true); }));
          });
        },
        [&](Scripted& self) { child = self.spawn("hung", test::script({})); });
    fixture.actors.stage.park(child.id());
    fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(fixture.others[0], number(1)); });
    const auto got = fixture.look_at("/hung");
    fixture.actors.stage.unpark(child.id());
    child = {};
    fixture.pass(1s);
    CHECK((**got).getSilent().size() > 0);
    CHECK(std::string((**got).getRow().getPath()) == "/hung");
    CHECK_FALSE((**got).hasPortrait());
  }
  SUBCASE("breaks as it describes itself") {
    fixture.actors.node.on_fatal = [](const base::Error&) {};
    fixture.start("weak", [](Scripted&, Handlers& on) {
      on.describe<Number>([](Number::Builder) { base::ensure(false, "it can be told"); });
    });
    const auto got = fixture.look_at("/weak");
    CHECK(has((**got).getSilent().cStr(), "it can be told"));
    CHECK_FALSE((**got).hasPortrait());
  }
}

TEST_CASE("inspect look: the inspector does not ask itself") {
  InspectFixture fixture;
  fixture.pass(10s);
  const auto got = fixture.look_at("/inspect");
  CHECK(std::string((**got).getSilent()) == "it is the inspector itself");
  CHECK(std::string((**got).getRow().getKind()) == "inspect");
  CHECK_FALSE((**got).hasPortrait());
}

TEST_CASE("inspect look: a portrait as large as one may be comes through") {
  InspectFixture fixture(1h);
  constexpr std::size_t kMany = 150;
  const std::string name(100, 'x');
  std::vector<Handle> asked;
  for (std::size_t i = 0; i < kMany; ++i) fixture.hung(name + std::to_string(i));
  const auto large = [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader, Reply<Number> reply) { reply.send(number(1)); });
    on.tell<Latest>([&](Latest::Reader) {
      for (std::size_t i = 0; i < kMany; ++i) {
        self.spawn("child" + std::to_string(i), test::script({}));
        self.ask<Number, Number>(fixture.others[i], self.now() + 1h, number(1), [](auto) {});
      }
    });
    on.describe<bench::wire::Parcel>([](bench::wire::Parcel::Builder state) { state.initData(880'000); });
  };
  Handle whom;
  fixture.start("top", {}, [&](Scripted& self) { whom = self.spawn(std::string(200, 'y'), test::script(large)); });
  fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(whom, number(1)); });
  CHECK_FALSE(fixture.look_at("/" + std::string(200, 'y'))->error);
  fixture.ask_number(whom, 40);
  const auto got = fixture.look_at("/" + std::string(200, 'y'));
  REQUIRE_MESSAGE(!got->error, got->error->message);
  const auto portrait = (**got).getPortrait();
  CHECK(portrait.getAsks().size() == 100);
  CHECK(portrait.getAsksInAll() == kMany);
  CHECK(portrait.getChildren().size() == 100);
  CHECK(portrait.getChildrenInAll() == kMany);
  CHECK(portrait.getMessages().size() == 32);
  CHECK((**got).getNames().size() == 101);
  whom = {};
}
