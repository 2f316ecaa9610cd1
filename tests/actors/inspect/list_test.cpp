#include <functional>

#include "tests/actors/inspect/inspect_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

using Paths = std::vector<std::string>;

void fragile(Scripted&, Handlers& on) {
  on.tell<Latest>([](Latest::Reader) { base::ensure(false, "the actor is whole"); });
}

void start_many(InspectFixture& fixture, int count, const std::string& name) {
  for (int i = 0; i < count; ++i) fixture.others.push_back(fixture.actors.start(name + std::to_string(i), {}));
  fixture.actors.stage.settle();
}

}  // namespace

TEST_CASE("inspect list: actors are listed by path, with how many there are and what is wrong") {
  InspectFixture fixture;
  fixture.start("b");
  fixture.start("a");
  fixture.health.raise("disk", observe::HealthState::failing, "it is full");
  const auto got = fixture.list();
  const auto rows = **got;
  CHECK(paths(rows) == Paths{"/a", "/b", "/inspect", "/outside"});
  CHECK(rows.getTotal() == 4);
  CHECK(rows.getMatched() == 4);
  REQUIRE(rows.getNode().size() == 20);
  CHECK(rows.getNode()[19] == 7);
  REQUIRE(rows.getWarnings().size() == 1);
  CHECK(std::string(rows.getWarnings()[0]) == "disk: it is full");
  const auto inspector = rows.getActors()[2];
  CHECK(std::string(inspector.getKind()) == "inspect");
  CHECK(std::string(inspector.getState()) == "running");
  CHECK(inspector.getMailbox() == 0);
}

TEST_CASE("inspect list: a filter, a column and a limit choose the rows; the counts are of all") {
  InspectFixture fixture;
  for (const char* name : {"a", "b", "c", "d"}) fixture.start(name, test::successor);
  fixture.ask_number(fixture.others[2], 3);
  fixture.ask_number(fixture.others[1], 5);
  fixture.ask_number(fixture.others[3], 3);
  SUBCASE("filter") {
    CHECK(paths(**fixture.list("/* handled>=3 not /d kind=actor not /outside not /inspect")) == Paths{"/b", "/c"});
  }
  SUBCASE("column") {
    CHECK(paths(**fixture.list("/^.[a-d]$/", "handled")) == Paths{"/b", "/c", "/d", "/a"});
    CHECK(paths(**fixture.list("/^.[a-d]$/", "path")) == Paths{"/a", "/b", "/c", "/d"});
  }
  SUBCASE("limit") {
    const auto got = fixture.list("/^.[a-d]$/", "handled", 2);
    CHECK(paths(**got) == Paths{"/b", "/c"});
    CHECK((**got).getMatched() == 4);
    CHECK((**got).getTotal() == 6);
  }
  SUBCASE("nobody") {
    const auto got = fixture.list("handled>1000");
    CHECK((**got).getActors().size() == 0);
    CHECK((**got).getMatched() == 0);
  }
}

TEST_CASE("inspect list: a wrong filter is refused with its place, a wrong column with the nearest one") {
  InspectFixture fixture;
  const auto filter = fixture.list("kind=peer mailbx>10");
  REQUIRE(filter->refused(Code::malformed));
  CHECK(has(filter->error->message, "the filter is wrong at character 11: "));
  CHECK(has(filter->error->message, "mailbox"));
  const auto column = fixture.list("", "restart");
  REQUIRE(column->refused(Code::malformed));
  CHECK(has(column->error->message, "there is no column \"restart\"; did you mean \"restarts\"?"));
  CHECK(has(column->error->message, "path, kind, state"));
  CHECK(fixture.list_ended("path~")->refused(Code::malformed));
  CHECK(fixture.list(std::string(2'000, 'x'))->refused(Code::malformed));
  CHECK(fixture.list("", std::string(2'000, 'x'))->refused(Code::malformed));
  CHECK((**fixture.list()).getTotal() == 2);  // nothing of it waits
}

TEST_CASE("inspect list: what an actor does and has done is in its row") {
  InspectFixture fixture;
  const Handle busy = fixture.start("busy", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      fixture.clock.spend(100ms);
      reply.send(number(1));
    });
  });
  for (int i = 0; i < 30; ++i) {
    fixture.ask_number(busy);
    fixture.pass(100ms);
  }
  const auto got = fixture.list("/busy");
  const auto row = only_row(*got);
  CHECK(row.getHandled() == 30);
  CHECK(row.getPerSecond() == doctest::Approx(5).epsilon(0.2));
  CHECK(row.getBusy() == doctest::Approx(0.5).epsilon(0.2));
  CHECK(row.getPerSecondMinute() > 0);
  CHECK(row.getBusyMinute() > 0);
  CHECK(row.getP99Us() >= 100'000);
  CHECK(row.getP99Us() <= 200'000);
}

TEST_CASE("inspect list: one that broke is shown with its state and error, one that is stuck as stuck") {
  InspectFixture fixture;
  Handle child;
  fixture.start("parent", {}, [&](Scripted& self) { child = self.spawn("child", test::script(fragile)); });
  const auto state_of = [&] {
    const auto got = fixture.list("/child");
    const auto row = only_row(*got);
    return std::string(row.getState()) + ":" + row.getLastError().cStr() + ":" + std::to_string(row.getRestarts());
  };
  CHECK(state_of() == "running::0");
  fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
  CHECK(state_of() == "restarting:internal:0");
  fixture.pass(5s);
  CHECK(state_of() == "running:internal:1");
  fixture.actors.node.set_long_turns({{fixture.actors.record("/child").get(), nullptr, {}}});
  CHECK(state_of() == "stuck:internal:1");
  CHECK(paths(**fixture.list("state=stuck")) == Paths{"/child"});
  child = {};
}

TEST_CASE("inspect list: the head of a mailbox is known by its kind and sender") {
  InspectFixture fixture;
  const Handle hung = fixture.hung("hung");
  fixture.ask_number(hung, 3);
  fixture.pass(700ms);
  {
    const auto got = fixture.list("/hung");
    const auto row = only_row(*got);
    CHECK(row.getMailbox() == 3);
    CHECK(row.getOldestMs() == 700);
    CHECK(std::string(row.getHeadKind()) == "bench.Number");
    CHECK(std::string(row.getHeadFrom()) == "/outside");
    CHECK(only_row(*fixture.list("/outside")).getAsking() == 4);  // three, and this one
    CHECK(paths(**fixture.list("mailbox>2 oldestMs>500ms")) == Paths{"/hung"});
  }
  SUBCASE("one that has ended is known by the path that it had") {
    const Handle other = fixture.hung("other");
    Handle gone = fixture.start(
        "gone", [](Scripted&, Handlers&) {},
        [&](Scripted& self) {
          self.tell<Number>(other, number(1));
          self.finish();
        });
    const auto got = fixture.list("/other");
    CHECK(std::string(only_row(*got).getHeadFrom()) == "/gone");
  }
  SUBCASE("one of another node is known by what the network calls it, and is in no registry") {
    fixture.pass(11s);  // names are kept for a while
    fixture.actors.node.remote_names = [](const std::vector<std::uint64_t>& numbers) {
      return std::map<std::uint64_t, std::string>{{numbers.at(0), "9f3c01ab:/files"}};
    };
    const auto got = fixture.list("/hung");
    CHECK(std::string(only_row(*got).getHeadFrom()) == "9f3c01ab:/files");
    CHECK(paths(**fixture.list("/outside")) == Paths{"/outside"});
  }
  SUBCASE("an empty mailbox has none") {
    fixture.actors.stage.unpark(hung.id());
    fixture.actors.stage.settle();
    const auto got = fixture.list("/hung");
    const auto row = only_row(*got);
    CHECK(row.getMailbox() == 0);
    CHECK(row.getOldestMs() == 0);
    CHECK(row.getHeadKind().size() == 0);
    CHECK(row.getHeadFrom().size() == 0);
  }
}

TEST_CASE("inspect list: a thousand rows unless more are asked for, and ten thousand at most") {
  InspectFixture fixture;
  start_many(fixture, 1'100, "actor-");
  const auto usual = fixture.list();
  CHECK((**usual).getActors().size() == kRowsDefault);
  CHECK((**usual).getMatched() == 1'102);
  CHECK((**fixture.list("", "", 1'101)).getActors().size() == 1'101);
  CHECK((**fixture.list("", "", 4'000'000'000)).getActors().size() == 1'102);
  const auto first = paths(**usual);
  CHECK(std::ranges::is_sorted(first));
  CHECK(first.front() == "/actor-0");
}

TEST_CASE("inspect list: rows with the longest paths and the longest senders fit, or fewer are sent") {
  InspectFixture fixture;
  const std::string name(200, 'x');
  const auto many = [](Scripted& self) {
    for (int i = 0; i < 11'000; ++i) {
      const std::string number = std::to_string(100'000 + i);
      self.spawn(std::string(runtime::kPathBytesMax - 202 - number.size(), 'y') + number, test::script({}));
    }
  };
  fixture.start("top", {}, [&](Scripted& self) { self.spawn(name, test::script({}, many)); });
  const auto got = fixture.list("", "", kRowsMax);
  REQUIRE_MESSAGE(!got->error, got->error->message);
  CHECK((**got).getMatched() == 11'004);
  CHECK((**got).getActors().size() > 5'000);
  CHECK((**got).getActors()[5].getPath().size() == runtime::kPathBytesMax);
  CHECK((**got).getActors().size() <= kRowsMax);
}

TEST_CASE("inspect list: the seventeenth that waits is refused, and the others are answered in their order") {
  InspectFixture fixture(1h);
  start_many(fixture, 600, "actor-");
  fixture.clock.each = 2ms;  // a slice is over after each of its steps
  std::vector<std::shared_ptr<Got<wire::ActorRows>>> all;
  std::vector<std::size_t> order;
  fixture.actors.inside([&](Scripted& self) {
    for (std::size_t i = 0; i <= kWaitingMax; ++i) {
      all.push_back(std::make_shared<Got<wire::ActorRows>>());
      self.ask<wire::ListActors, wire::ActorRows>(
          fixture.inspector, self.now() + 1h, [](wire::ListActors::Builder question) { question.setLimit(1); },
          [&, i, got = all.back()](const runtime::Answer<wire::ActorRows>& answer) {
            *got = Got<wire::ActorRows>(answer);
            order.push_back(i);
          });
    }
  });
  REQUIRE(order.size() == kWaitingMax + 1);
  CHECK(order.front() == kWaitingMax);
  REQUIRE(all.back()->refused(Code::overloaded));
  CHECK(all.back()->error->retry_after == 500ms);
  CHECK(std::is_sorted(order.begin() + 1, order.end()));
  for (std::size_t i = 0; i < kWaitingMax; ++i) {
    CHECK((**all[i]).getTotal() == 602);
    CHECK((**all[i]).getTookUs() >= 5'000);
  }
  fixture.clock.each = 0ms;
  CHECK((**fixture.list()).getTotal() == 602);
}

TEST_CASE("inspect list: neither a list nor a survey keeps the other from its end") {
  InspectFixture fixture(10s);
  start_many(fixture, 600, "actor-");
  fixture.actors.inside([](Scripted&) {});
  fixture.pass(9s);
  fixture.clock.each = 2ms;  // a slice is over after one step of the survey, of which there are three
  fixture.actors.stage.stop_at(fixture.actors.stage.events() + 2);
  fixture.pass(1s);  // the appointment, and the wake-up with two slices
  REQUIRE(fixture.actors.stage.stopped());
  fixture.actors.stage.go_on();
  REQUIRE(fixture.surveys.empty());
  std::vector<std::size_t> surveys_at;  // each of the lists that are asked for one after the other
  const std::function<void(Scripted&)> ask = [&](Scripted& self) {
    self.ask<wire::ListActors, wire::ActorRows>(
        fixture.inspector, self.now() + 1h, [](wire::ListActors::Builder) {},
        [&](runtime::Answer<wire::ActorRows> answer) {
          REQUIRE(answer.ok());
          CHECK(answer.value().getTotal() == 602);
          surveys_at.push_back(fixture.surveys.size());
          if (surveys_at.size() < 4) ask(self);
        });
  };
  fixture.actors.inside(ask);
  REQUIRE(surveys_at.size() == 4);
  CHECK(surveys_at[1] >= 1);
  CHECK(fixture.surveys[0].actors == 602);
}

TEST_CASE("inspect ended: actors that have ended are kept, the latest first, with why and by whose decision") {
  InspectFixture fixture;
  struct Soon {};
  Handle stopped, weak;
  fixture.actors.node.on_fatal = [](const base::Error&) {};
  fixture.start(
      "parent",
      [&](Scripted& self, Handlers& on) { on.tell<Latest>([&](Latest::Reader) { self.stop_child(stopped); }); },
      [&](Scripted& self) {
        stopped = self.spawn("stopped", test::script({}));
        runtime::SpawnOptions once;
        once.on_failure = runtime::logic::OnFailure::stop;
        weak = self.spawn("weak", test::script(fragile), once);
      });
  fixture.start(
      "short", [](Scripted& self, Handlers& on) { on.timer<Soon>([&self] { self.finish(); }); },
      [](Scripted& self) { self.after<Soon>(1s); });
  fixture.start("lonely", fragile);
  fixture.pass(2s);
  const auto tell = [&](const Handle& whom) {
    fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(whom, number(1)); });
    fixture.pass(1s);
  };
  tell(fixture.others[2]);
  tell(fixture.others[0]);
  tell(weak);
  test::ActorFixture::kill(fixture.others[0]);
  fixture.pass(3s);
  const auto got = fixture.list_ended();
  const auto rows = **got;
  CHECK(rows.getInAll() == 5);
  REQUIRE(rows.getNode().size() == 20);
  std::vector<std::string> ends;
  for (const auto row : rows.getEnded())
    ends.push_back(std::string(row.getPath().cStr()) + " " + row.getDecision().cStr() + " " + row.getCode().cStr() +
                   " after " + row.getLastMessage().cStr() + " " + std::to_string(row.getAgoMs()));
  CHECK(ends == Paths{"/parent killed  after bench.Latest 3000", "/weak given up internal after bench.Latest 4000",
                      "/stopped stopped  after  5000", "/lonely unwatched internal after bench.Latest 6000",
                      "/short finished  after  7000"});
  CHECK(has(rows.getEnded()[1].getWhy().cStr(), "the actor is whole"));
  CHECK(rows.getEnded()[2].getWhy().size() == 0);
  CHECK(rows.getEnded()[3].getHandled() == 1);
  CHECK((**fixture.list_ended("lastError=internal")).getEnded().size() == 2);
  CHECK((**fixture.list_ended("handled>0 not /parent")).getEnded().size() == 2);
  CHECK((**fixture.list_ended("/nobody")).getEnded().size() == 0);
  const auto one = fixture.list_ended("", 1);
  REQUIRE((**one).getEnded().size() == 1);
  CHECK(std::string((**one).getEnded()[0].getPath()) == "/parent");
  CHECK((**one).getInAll() == 5);
  stopped = weak = {};
}

TEST_CASE("inspect ended: a thousand are kept, and told in one answer however long their paths and reasons are") {
  InspectFixture fixture(1h);
  fixture.actors.node.on_fatal = [](const base::Error&) {};
  const std::string name(190, 'x'), why(5'000, 'w');
  for (int i = 0; i < 1'100; ++i)
    fixture.actors.start(name + std::to_string(i), {}, [&](Scripted&) { throw std::runtime_error(why); });
  fixture.actors.stage.settle();
  const auto got = fixture.list_ended("", 5'000);
  REQUIRE_FALSE(got->error);
  CHECK((**got).getInAll() == 1'100);
  CHECK((**got).getEnded().size() == runtime::kEndedMax);
  for (const auto row : (**got).getEnded()) CHECK(row.getWhy().size() == runtime::kEndedWhyBytesMax);
}
