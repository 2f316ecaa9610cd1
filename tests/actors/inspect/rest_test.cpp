// A node at rest is not surveyed, and what goes wrong in it is found as early as ever.
#include <future>
#include <thread>

#include "tests/actors/inspect/inspect_fixture.hpp"
#include "tests/actors/inspect/record_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

struct Tick {};

void take_numbers(Scripted&, Handlers& on) {
  on.tell<Number>([](Number::Reader) {});
}

/// Another thread, which is in a handler of that actor for as long as this lives.
class Running {
 public:
  explicit Running(const runtime::Record* actor)
      : thread_([this, actor, over = over_.get_future()]() mutable {
          runtime::Turn& turn = runtime::turn_here();
          turn.begin(actor, true, base::Instant{});
          began_.set_value();
          over.wait();
          turn.end();
        }) {
    began_.get_future().wait();
  }
  ~Running() {
    over_.set_value();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::promise<void> began_, over_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("rest: one survey finds that nothing waits, and the next comes a period after something has happened") {
  InspectFixture fixture;
  const Handle idle = fixture.start("idle", take_numbers);
  fixture.pass(24h);
  CHECK(fixture.surveys.size() == 1);
  for (std::size_t times = 2; times < 5; ++times) {
    fixture.actors.inside([&](Scripted& self) { self.tell<Number>(idle, number(1)); });
    fixture.pass(2s - 1ns);
    CHECK(fixture.surveys.size() == times - 1);
    fixture.pass(1ns);
    CHECK(fixture.surveys.size() == times);
    fixture.pass(1h);
    CHECK(fixture.surveys.size() == times);
  }
}

TEST_CASE("rest: a node that always works is surveyed each period") {
  InspectFixture fixture;
  fixture.start(
      "worker", [](Scripted& self, Handlers& on) { on.timer<Tick>([&self] { self.after<Tick>(1ms); }); },
      [](Scripted& self) { self.after<Tick>(1ms); });
  fixture.pass(2s);
  for (int i = 0; i < 20; ++i) {
    const std::size_t before = fixture.surveys.size();
    fixture.pass(2s + 1ms);  // the first message after a survey begins the period
    CHECK(fixture.surveys.size() == before + 1);
  }
}

TEST_CASE("rest: surveys go on while something waits that may become a warning") {
  InspectFixture fixture;
  fixture.pass(1h);
  REQUIRE(fixture.surveys.size() == 1);
  std::unique_ptr<Running> running;
  SUBCASE("a message in a mailbox") {
    const Handle hung = fixture.hung("hung");
    fixture.actors.inside([&](Scripted& self) { self.tell<Number>(hung, number(1)); });
  }
  SUBCASE("a question without an answer") {
    auto kept = std::make_shared<std::vector<Reply<Number>>>();
    fixture.ask_number(fixture.start("silent", [kept](Scripted&, Handlers& on) {
      on.ask<Number, Number>([kept](Number::Reader, Reply<Number> reply) { kept->push_back(std::move(reply)); });
    }));
  }
  SUBCASE("a handler that does not return") {
    fixture.start("stuck");
    running = std::make_unique<Running>(fixture.actors.record("/stuck").get());
  }
  SUBCASE("an actor that was looked at and keeps its last messages, until it lets them go") {
    fixture.start("seen");
    fixture.look_at("/seen");
    fixture.pass(runtime::kRecentTime - 2s);
    CHECK(fixture.actors.node.recent_pool().bytes() > 0);
    fixture.pass(6s);
    CHECK(fixture.actors.node.recent_pool().bytes() == 0);
    fixture.pass(10s);
    const std::size_t since = fixture.surveys.size();
    fixture.pass(30min);  // less than the due time of the question, at which its asker wakes
    CHECK(fixture.surveys.size() == since);
    return;
  }
  const std::size_t before = fixture.surveys.size();
  fixture.pass(100s);
  CHECK(fixture.surveys.size() == before + 50);
}

TEST_CASE("rest: a survey is calm unless something waits") {
  RecordFixture fixture;
  Record& one = fixture.actor("/one");
  one.received = one.handled = 10;
  fixture.look();
  CHECK(fixture.survey.calm());
  SUBCASE("a message") { one.received += 1; }
  SUBCASE("an answer") { one.asking = 1; }
  SUBCASE("a stream that lacks credit, however its reader is reached") { one.starved_ms = fixture.milliseconds(); }
  SUBCASE("a restart of late") { one.restarted(fixture.now); }
  fixture.look();
  CHECK_FALSE(fixture.survey.calm());
  CHECK(fixture.well());
  one.received = 10;
  one.asking = one.starved_ms = 0;
  fixture.look(kStormTime);
  CHECK(fixture.survey.calm());
}

TEST_CASE("rest: a survey that finds a fault of the node is not calm, or it would not be taken back") {
  RecordFixture fixture;
  fixture.actor("/one");
  fixture.look();
  fixture.actors.node.alarms().sound(runtime::Alarm::slow_sync, "/store", 2s, fixture.now);
  fixture.look();
  CHECK_FALSE(fixture.survey.calm());
  fixture.look(kEventTime + 2s);
  CHECK(fixture.survey.calm());
}

TEST_CASE("rest: a fault that begins in a node at rest is found within three periods") {
  InspectFixture fixture;
  Handle one, two;
  const auto asks = [](Handle& other) {
    auto kept = std::make_shared<std::vector<Reply<Number>>>();
    return [&other, kept](Scripted& self, Handlers& on) {
      on.ask<Number, Number>([&self, &other, kept](Number::Reader, Reply<Number> reply) {
        kept->push_back(std::move(reply));
        if (kept->size() == 1) self.ask<Number, Number>(other, self.now() + 24h, number(1), [](const auto&) {});
      });
    };
  };
  SUBCASE("a starved mailbox") {
    const Handle hung = fixture.hung("hung");
    fixture.pass(1h);
    REQUIRE(fixture.surveys.size() == 1);
    fixture.ask_number(hung);
    fixture.pass(2s);
    CHECK(has(fixture.only(Warning::old_message), "mailbox of /hung"));
  }
  SUBCASE("questions that wait for each other") {
    one = fixture.start("one", asks(two));
    two = fixture.start("two", asks(one));
    fixture.pass(1h);
    REQUIRE(fixture.surveys.size() == 1);
    fixture.ask_number(one);
    fixture.pass(6s);
    CHECK(has(fixture.only(Warning::ask_cycle), "/one asks /two"));
  }
  SUBCASE("an alarm that no actor has sounded") {
    fixture.pass(1h);
    REQUIRE(fixture.surveys.size() == 1);
    fixture.actors.node.alarms().sound(runtime::Alarm::slow_handler, "/slow", 130ms, fixture.clock.now());
    fixture.pass(2s);
    CHECK(has(fixture.only(Warning::slow_handler), "/slow"));
  }
  SUBCASE("a date that was moved meanwhile, once something happens") {
    fixture.pass(1h);
    fixture.actors.ports.clock().step(2s);
    fixture.pass(1h);
    CHECK(fixture.well());
    fixture.actors.inside([](Scripted&) {});
    fixture.pass(2s);
    CHECK(has(fixture.only(Warning::clock_step), "moved on, by 2,000 ms"));
  }
  one = two = {};
}

TEST_CASE("rest: a list is answered at once, from a node at rest, and ends its rest once") {
  InspectFixture fixture;
  fixture.pass(1h);
  REQUIRE(fixture.surveys.size() == 1);
  CHECK((**fixture.list()).getActors().size() == 2);  // it answers at once: the question has ended the rest
  fixture.pass(1h);
  CHECK(fixture.surveys.size() == 2);
}
