// What operators do to actors: pause, resume, restart and kill; what is refused; and the spans of a trace.
#include "actors/inspect/logic/acts.hpp"
#include "messages/common.capnp.h"
#include "tests/actors/inspect/inspect_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

std::shared_ptr<Got<messages::wire::Nothing>> act_on(InspectFixture& fixture, const std::string& path,
                                                     wire::ActOn::Act act) {
  return fixture.ask<wire::ActOn, messages::wire::Nothing>([&](wire::ActOn::Builder order) {
    order.setPath(path);
    order.setAct(act);
  });
}

/// An operator who keeps an actor paused.
struct Pauser {
  Pauser(InspectFixture& its_fixture, const std::string& name, const std::string& path) : fixture(its_fixture) {
    handle = fixture.start(name, {}, [this, path](Scripted& me) {
      subscription = me.subscribe<wire::PauseActor, wire::PauseItem>(
          fixture.inspector, 1h, [&](wire::PauseActor::Builder order) { order.setPath(path); },
          [this](wire::PauseItem::Reader item) { left.push_back(item.getLeftMs()); },
          [this](const base::Result<void, base::Error>& last) {
            over = true;
            if (!last.ok()) error = last.error();
          });
    });
  }
  ~Pauser() {
    subscription.cancel();
    test::ActorFixture::kill(handle);
    fixture.actors.stage.settle();
  }

  InspectFixture& fixture;
  Handle handle;
  runtime::Subscription subscription;
  std::vector<std::uint64_t> left;
  bool over = false;
  std::optional<base::Error> error;
};

/// A family below "/top": the child answers numbers with their successors.
struct Family {
  explicit Family(InspectFixture& fixture) {
    fixture.start("top", {}, [this](Scripted& self) {
      middle = self.spawn("middle", test::script({}, [this](Scripted& other) {
                            ++starts_of_middle;
                            child =
                                other.spawn("child", test::script(test::successor, [this](Scripted&) { ++starts; }));
                          }));
    });
    fixture.pass(1s);
  }
  Handle middle, child;
  int starts = 0, starts_of_middle = 0;
};

struct Counted {
  int answers = 0;
  std::optional<Code> code;
};
void ask_child(InspectFixture& fixture, const Handle& whom, Counted& counted) {
  fixture.actors.inside([&](Scripted& self) {
    self.ask<Number, Number>(whom, self.now() + 1h, number(1), [&](const runtime::Answer<Number>& answer) {
      if (answer.ok()) ++counted.answers;
      else counted.code = answer.error().code;
    });
  });
}

}  // namespace

TEST_CASE("inspect act: a paused actor keeps its messages until its operator lets it go on, or is gone") {
  InspectFixture fixture;
  Family family(fixture);
  Counted counted;
  auto operator_ = std::make_unique<Pauser>(fixture, "operator", "/middle/child");
  fixture.pass(1s);
  REQUIRE(operator_->left.size() == 1);
  CHECK(operator_->left.front() == 600'000);
  ask_child(fixture, family.child, counted);
  ask_child(fixture, family.child, counted);
  fixture.pass(5s);
  CHECK(counted.answers == 0);
  {
    const auto got = fixture.look_at("/middle/child");
    CHECK(std::string((**got).getRow().getState()) == "paused");
    CHECK((**got).getRow().getMailbox() == 2);
  }
  const std::string warning = fixture.only(Warning::old_message);
  CHECK_MESSAGE(has(warning, "; an operator has paused this actor"), warning);

  fixture.start_audit();
  const auto resumed = [&fixture] { return fixture.audited.empty() ? "" : fixture.audited.back(); };
  SUBCASE("it resumes") {
    fixture.actors.inside([&](Scripted&) { operator_->subscription.cancel(); });
    fixture.pass(1s);
    CHECK(counted.answers == 2);
    CHECK(resumed() == "local resume /middle/child done");
  }
  SUBCASE("the operator is gone") {
    operator_.reset();
    fixture.pass(1s);
    CHECK(counted.answers == 2);
  }
  SUBCASE("ten minutes have passed") {
    fixture.pass(9min);
    CHECK(counted.answers == 0);
    fixture.pass(1min);
    CHECK(counted.answers == 2);
    CHECK(operator_->over);
    CHECK(resumed().ends_with("resume /middle/child ended ten minutes after the pause by local"));
  }
  SUBCASE("the inspector itself is gone: the pause ends all the same") {
    test::ActorFixture::kill(fixture.inspector);
    fixture.pass(10min);
    CHECK(counted.answers == 2);
  }
  SUBCASE("a second pause is a conflict, and does not end with its asker") {
    Pauser other(fixture, "other", "/middle/child");
    fixture.pass(1s);
    REQUIRE(other.error.has_value());
    CHECK(other.error->code == Code::conflict);
    CHECK(counted.answers == 0);
  }
  SUBCASE("a restart ends the pause") {
    act_on(fixture, "/middle/child", wire::ActOn::Act::RESTART);
    fixture.pass(5s);
    CHECK(family.starts == 2);
    CHECK(counted.answers == 2);
  }
}

TEST_CASE("inspect act: a restart is a failure to the supervisor, and a kill is for good") {
  InspectFixture fixture;
  Family family(fixture);
  SUBCASE("restart") {
    const auto done = act_on(fixture, "/middle/child", wire::ActOn::Act::RESTART);
    fixture.pass(5s);
    CHECK_FALSE(done->error.has_value());
    CHECK(family.starts == 2);
    CHECK(family.starts_of_middle == 1);
    Counted counted;
    ask_child(fixture, family.child, counted);
    fixture.pass(1s);
    CHECK(counted.answers == 1);
  }
  SUBCASE("kill") {
    const auto done = act_on(fixture, "/middle/child", wire::ActOn::Act::KILL);
    fixture.pass(5s);
    CHECK_FALSE(done->error.has_value());
    CHECK(family.starts == 1);
    Counted counted;
    ask_child(fixture, family.child, counted);
    fixture.pass(1s);
    CHECK(counted.code == Code::unavailable);
    const auto ended = fixture.list_ended("/middle/child");
    REQUIRE((**ended).getEnded().size() == 1);
    CHECK(std::string((**ended).getEnded()[0].getDecision()) == "killed by an operator");
  }
  SUBCASE("kill of a parent ends its children first") {
    act_on(fixture, "/middle/child", wire::ActOn::Act::RESTART);
    fixture.pass(5s);
    CHECK(act_on(fixture, "/middle", wire::ActOn::Act::KILL)->refused(Code::refused));
  }
}

TEST_CASE("inspect act: an actor that waits for its restart has nothing to restart or to pause, which is no success") {
  InspectFixture fixture;
  fixture.start("top", {}, [](Scripted& self) {
    self.spawn("broken", test::script({}, [](Scripted&) { throw std::runtime_error("no"); }));
  });
  const auto state = [&] { return std::string((**fixture.look_at("/broken")).getRow().getState()); };
  REQUIRE(state() == "restarting");
  const auto again = act_on(fixture, "/broken", wire::ActOn::Act::RESTART);
  REQUIRE(again->refused(Code::conflict));
  CHECK(again->error->message.find("waits for its restart") != std::string::npos);
  Pauser pauser(fixture, "operator", "/broken");
  fixture.pass(1ms);
  REQUIRE(pauser.error.has_value());
  CHECK(pauser.error->code == Code::conflict);
}

TEST_CASE("inspect act: what the node cannot do without is refused, and so is what is not there") {
  InspectFixture fixture;
  CHECK(act_on(fixture, "/inspect", wire::ActOn::Act::RESTART)->refused(Code::refused));
  CHECK(act_on(fixture, "/nowhere", wire::ActOn::Act::KILL)->refused(Code::not_found));
  for (const char* kind : {"links", "peer", "peers", "store", "node", "inspect", "datagrams"}) {
    CHECK(refused(Act::pause, "/x/y", kind).has_value());
    CHECK(refused(Act::restart, "/x", kind).has_value());
  }
  CHECK(refused(Act::kill, "/files", "files").has_value());
  CHECK_FALSE(refused(Act::restart, "/files", "files").has_value());
  CHECK_FALSE(refused(Act::kill, "/files/get-1", "get").has_value());
}

TEST_CASE("inspect act: a message names the handler that sent it, and each handler of a trace has a span of its own") {
  InspectFixture fixture;
  const Handle end = fixture.start("end", test::successor);
  const Handle middle = fixture.start("middle", [&](Scripted& self, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader) {
      for (int i = 0; i < 2; ++i) self.ask<Number, Number>(end, self.now() + 5s, number(1), [](auto) {});
    });
  });
  const auto tap = fixture.actors.node.taps().open(
      [](std::string_view path, const char*, const runtime::Record&, base::Instant) { return path != "/inspect"; }, 77,
      base::Instant::max());
  fixture.actors.inside(
      [&](Scripted& self) { self.send(middle, runtime::Envelope::build<Latest>({.trace = {.id = 77}}, number(1))); });
  fixture.pass(1s);
  const auto taken = tap->take();
  REQUIRE(taken.messages.size() == 5);  // one tell, two questions, two answers
  const auto& tell = taken.messages[0];
  CHECK(tell.handler != 0);
  std::set<std::uint32_t> handlers{tell.handler};
  for (std::size_t i = 1; i < 5; ++i) {
    const auto& one = taken.messages[i];
    CHECK(handlers.insert(one.handler).second);
    if (!one.answer) CHECK(one.envelope.header().trace.span == tell.handler);
  }
}
