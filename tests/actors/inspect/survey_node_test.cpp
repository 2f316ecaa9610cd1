// The warnings, one by one, from records filled by hand: those of the whole node.
#include <doctest/doctest.h>

#include "runtime/actor/budget_alarm.hpp"
#include "tests/actors/inspect/record_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;
using runtime::Alarm;
using runtime::DeadLetter;

TEST_CASE("survey: dead-letters, of a hundred within a minute") {
  RecordFixture fixture;
  fixture.look();
  const auto lose = [&](int count, DeadLetter reason) {
    for (int i = 0; i < count; ++i) fixture.actors.node.count(reason);
  };
  lose(60, DeadLetter::full);
  lose(39, DeadLetter::expired);
  fixture.look();
  CHECK(fixture.well());
  SUBCASE("a hundred") {
    lose(1, DeadLetter::gone);
    fixture.look();
    CHECK(fixture.only(Warning::dead_letters));
    CHECK(fixture.says("100 messages reached no actor in the last minute"));
    CHECK(fixture.says("most of them for full mailboxes (100 or more)"));
    fixture.look(57s);
    CHECK(fixture.only(Warning::dead_letters));
    fixture.look(4s);
    CHECK(fixture.well());
  }
  SUBCASE("more, but slowly") {
    fixture.look(61s);
    for (int i = 0; i < 200; ++i) {
      lose(3, DeadLetter::late_answer);
      fixture.look();
      CHECK(fixture.well());
    }
  }
  SUBCASE("each reason counts") {
    for (std::size_t i = 0; i < runtime::kDeadLetterReasons; ++i) lose(100, static_cast<DeadLetter>(i));
    fixture.look();
    CHECK(fixture.only(Warning::dead_letters));
    CHECK(fixture.says("799 messages"));
  }
}

TEST_CASE("survey: clock-step, when the date has moved by a second or more against the time that passed") {
  RecordFixture fixture;
  fixture.look();
  SUBCASE("a little") {
    fixture.wall = fixture.wall + 999ms;
    fixture.look();
    fixture.wall = fixture.wall - 999ms;
    fixture.look();
    CHECK(fixture.well());
  }
  SUBCASE("on") {
    fixture.wall = fixture.wall + 1s;
    fixture.look();
    CHECK(fixture.only(Warning::clock_step));
    CHECK(fixture.says("moved on, by 1,000 ms (1 s or more)"));
    fixture.look(59s);
    CHECK(fixture.only(Warning::clock_step));
    fixture.look(1s);
    CHECK(fixture.well());
  }
  SUBCASE("back") {
    fixture.wall = fixture.wall - 1h;
    fixture.look();
    CHECK(fixture.only(Warning::clock_step));
    CHECK(fixture.says("moved back by 3,600 s"));
  }
}

TEST_CASE("survey: what is sounded is told for a minute, each under its own name") {
  RecordFixture fixture;
  const auto sound = [&](Alarm alarm, std::string_view subject, base::Duration length, std::string_view what = {}) {
    fixture.actors.node.alarms().sound(alarm, subject, length, fixture.now, what);
  };
  Warning warning{};
  std::string words;
  SUBCASE("slow-handler") {
    sound(Alarm::slow_handler, "/slow", 250ms, "bench.Number");
    warning = Warning::slow_handler;
    words = "a handler of /slow (bench.Number) took 250 ms: it blocks a thread for all other actors (100 ms or more)";
  }
  SUBCASE("slow-handler, again and again") {
    for (int i = 0; i < 3; ++i) sound(Alarm::slow_handler, "/slow", 250ms - i * 10ms, i == 0 ? "a.B" : "");
    warning = Warning::slow_handler;
    words = "/slow (a.B) took 250 ms, 3 times so far";
  }
  SUBCASE("late-timer") {
    fixture.look();
    fixture.look(kStartTime);
    sound(Alarm::late_timer, "/sleeper", 12s);
    warning = Warning::late_timer;
    words = "a timer of /sleeper came 12 s late: the machine or the actor is overloaded (500 ms or more)";
  }
  SUBCASE("slow-sync") {
    sound(Alarm::slow_sync, "/store", 1'500ms);
    warning = Warning::slow_sync;
    words = "/store waited 1,500 ms for its device (1 s or more)";
  }
  SUBCASE("flapping-link") {
    for (const std::uint64_t lately : {3u, 4u})
      fixture.actors.node.alarms().sound(Alarm::flapping_link, "ab12", 0s, fixture.now, {}, lately);
    warning = Warning::flapping_link;
    words = "the link to ab12 was lost 4 times within 60 s (3 or more)";
  }
  SUBCASE("budget-full") {
    runtime::BudgetAlarm handshakes("handshakes");
    const auto from = base::group_of(*base::Endpoint::parse("192.0.2.7:4000"));
    for (int i = 0; i < 5'000; ++i) handshakes.refused(fixture.actors.node, from, fixture.now);
    CHECK(fixture.actors.node.alarms().count(Alarm::budget_full) == 1);
    warning = Warning::budget_full;
    words = "their budget of handshakes of 192.0.2.0/24 is used up";
  }
  fixture.look();
  CHECK(fixture.only(warning));
  CHECK(fixture.says(words));
  fixture.look(58s);
  CHECK(fixture.only(warning));
  fixture.look(1ms);
  CHECK(fixture.well());
}
