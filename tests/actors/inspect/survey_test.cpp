// The warnings, one by one, from records filled by hand: those of actors.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/actors/inspect/record_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

void handle(Record& record, std::uint64_t received, std::uint64_t handled) {
  record.received += received;
  record.handled += handled;
}

}  // namespace

TEST_CASE("survey: twelve warnings have twelve names, which are sources of health") {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kWarnings; ++i) names.push_back(name(static_cast<Warning>(i)));
  CHECK(names.front() == "growing-mailbox");
  CHECK(names.back() == "budget-full");
  std::ranges::sort(names);
  CHECK(std::ranges::unique(names).empty());
}

TEST_CASE("survey: idle actors, busy ones and those that wait for a moment are fine; they are counted") {
  RecordFixture fixture;
  Record& idle = fixture.actor("/idle");
  Record& busy = fixture.actor("/busy");
  handle(idle, 3, 3);
  for (int i = 0; i < 50; ++i) {
    handle(busy, 5'000, i == 0 ? 4'990 : 5'000);  // ten always wait, but never the same
    busy.mark(busy.handled, fixture.now + 2s - 100ms, nullptr, 0);
    busy.asking = 4;
    busy.answers += 100;
    fixture.look();
    CHECK(fixture.well());
    CHECK(fixture.survey.askers().empty());
  }
  busy.refused_full = 7;
  idle.restarts = 1;
  fixture.look(100ms);
  const Totals& totals = fixture.survey.totals();
  CHECK(totals.actors == 2);
  CHECK(totals.waiting == 10);
  CHECK(totals.handled == 3 + 50 * 5'000 - 10 + 50 * 100);  // answers, too
  CHECK(totals.refused == 7);
  CHECK(totals.restarts == 1);
  CHECK(totals.oldest == 200ms);
}

TEST_CASE("survey: growing-mailbox, after five looks at which it had grown, and from 1,000 messages on") {
  RecordFixture fixture;
  Record& record = fixture.actor("/slow");
  handle(record, 999 - 4 * 100, 0);
  SUBCASE("it grows") {
    fixture.look();
    for (int i = 1; i <= 5; ++i) {
      handle(record, 200, i == 5 ? 99 : 100);
      fixture.look();
      CHECK(fixture.well() == (i < 5));
    }
    CHECK(fixture.only(Warning::growing_mailbox));
    CHECK(fixture.finding().subject == "/slow");
    CHECK(fixture.says("/slow grows: 1,100 messages wait (1,000 or more, and more in each of the last 5 scans)"));
    SUBCASE("until it shrinks") {
      handle(record, 0, 1);
      fixture.look();
      CHECK(fixture.well());
    }
  }
  SUBCASE("to 999 messages") {
    fixture.look();
    for (int i = 1; i <= 4; ++i) {
      handle(record, 200, 100);
      fixture.look();
      CHECK(fixture.well());
    }
    for (int i = 0; i < 10; ++i) {
      handle(record, 1, 1);
      fixture.look();
      CHECK(fixture.well());
    }
  }
  SUBCASE("it shrinks on the way, and is counted anew") {
    handle(record, 5'000, 10);
    fixture.look();
    for (int i = 1; i <= 14; ++i) {
      handle(record, 200, i % 5 == 0 ? 201 : 100);
      fixture.look();
      CHECK(fixture.well());
    }
    handle(record, 200, 100);
    fixture.look();
    CHECK(fixture.only(Warning::growing_mailbox));
  }
}

TEST_CASE("survey: old-message, when the oldest has waited for more than a second") {
  RecordFixture fixture;
  Record& record = fixture.actor("/late");
  SUBCASE("as it was marked") {
    handle(record, 8, 7);
    record.mark(7, fixture.now + 1s, nullptr, 0);
    fixture.look();  // a second later
    CHECK(fixture.well());
    record.mark(7, fixture.now - 1s - 1ms, nullptr, 0);
    fixture.look(0s);
    CHECK(fixture.only(Warning::old_message));
    CHECK(fixture.finding().subject == "/late");
    CHECK(fixture.says("mailbox of /late for 1,001 ms (more than 1 s)"));
  }
  SUBCASE("without a mark, since nothing was handled between two looks") {
    handle(record, 1, 0);
    fixture.look();
    CHECK(fixture.well());
    fixture.look(1s);
    CHECK(fixture.well());
    fixture.look(1ms);
    CHECK(fixture.only(Warning::old_message));
    handle(record, 0, 1);
    fixture.look();
    CHECK(fixture.well());
  }
  SUBCASE("the worst of several is told, and how many there are") {
    for (int i = 0; i < 5; ++i) {
      Record& other = fixture.actor("/late/" + std::to_string(i));
      handle(other, 1, 0);
      other.mark(0, fixture.now - (i == 3 ? 100s : 10s), nullptr, 0);
    }
    fixture.look();
    CHECK(fixture.only(Warning::old_message));
    CHECK(fixture.finding().subject == "/late/3");
    CHECK(fixture.finding().cases == 5);
    CHECK(fixture.says("102 s"));
  }
  SUBCASE("of an actor for which there is no place any more, as one look shows it") {
    for (std::size_t i = 1; i < kSuspectsMax; ++i) fixture.actor("/asks/" + std::to_string(i)).asking = 1;
    record.asking = 1;
    fixture.look();
    Record& other = fixture.actor("/other");
    handle(other, 1, 0);
    fixture.look();
    CHECK(fixture.well());
    other.mark(0, fixture.now, nullptr, 0);
    fixture.look();
    CHECK(fixture.only(Warning::old_message));
    CHECK(fixture.finding().subject == "/other");
  }
}

TEST_CASE("survey: never-idle, after half a minute in which an actor did nothing but work") {
  RecordFixture fixture;
  Record& record = fixture.actor("/busy");
  const auto work = [&](base::Duration length) {
    record.begin_turn(fixture.now);
    record.end_turn(fixture.now + length, length);
    fixture.look();
  };
  work(2s);
  for (int i = 1; i < 15; ++i) {
    CHECK(fixture.well());
    work(1'901ms);
  }
  CHECK(fixture.well());
  SUBCASE("at 95 % of the time and more") {
    work(1'901ms);
    CHECK(fixture.only(Warning::never_idle));
    CHECK(fixture.finding().subject == "/busy");
    CHECK(fixture.says("/busy has not rested for 30 s"));
    CHECK(fixture.says("30 s or more at 95 % or more"));
    work(0s);
    CHECK(fixture.well());
  }
  SUBCASE("not if it rested before the time was over, and then it is counted anew") {
    work(1'890ms);
    CHECK(fixture.well());
    for (int i = 0; i < 15; ++i) {
      work(2s);
      CHECK(fixture.well());
    }
    work(2s);
    CHECK(fixture.only(Warning::never_idle));
  }
}

TEST_CASE("survey: restart-storm, at the third restart within half a minute") {
  RecordFixture fixture;
  Record& record = fixture.actor("/weak");
  record.last_error = base::Code::internal;
  fixture.look();
  const auto restart = [&](base::Duration passed) {
    record.restarted(fixture.now + passed);
    fixture.look(passed);
  };
  SUBCASE("three") {
    restart(2s);
    restart(2s);
    CHECK(fixture.well());
    restart(28s);
    CHECK(fixture.only(Warning::restart_storm));
    CHECK(fixture.finding().subject == "/weak");
    CHECK(fixture.says("/weak fails repeatedly (internal; 3 or more restarts within 30 s)"));
    fixture.look(1ms);
    CHECK(fixture.well());
  }
  SUBCASE("three between two looks") {
    for (int i = 0; i < 3; ++i) record.restarted(fixture.now);
    fixture.look();
    CHECK(fixture.only(Warning::restart_storm));
  }
  SUBCASE("many, but slowly") {
    for (int i = 0; i < 20; ++i) {
      restart(16s);
      CHECK(fixture.well());
    }
  }
  SUBCASE("another actor at the same path begins at zero") {
    restart(2s);
    restart(2s);
    record.restarts = 0;
    fixture.look();
    CHECK(fixture.well());
  }
}

TEST_CASE("survey: no-credit, when a stream's reader has taken nothing for five seconds") {
  RecordFixture fixture;
  Record& record = fixture.actor("/writer");
  record.starved_ms = fixture.milliseconds() + 2'000;
  fixture.look();
  CHECK(fixture.well());
  SUBCASE("five seconds") {
    fixture.look(4'999ms);
    CHECK(fixture.well());
    fixture.look(1ms);
    CHECK(fixture.only(Warning::no_credit));
    CHECK(fixture.finding().subject == "/writer");
    CHECK(fixture.says("/writer has had no credit to write for 5,000 ms"));
    CHECK(fixture.says("(more than 5 s)"));
    record.starved_ms = 0;
    fixture.look();
    CHECK(fixture.well());
  }
  SUBCASE("not if its credit went after the survey had looked at its clock") {
    record.starved_ms = fixture.milliseconds() + 3;
    fixture.look(1ms);
    CHECK(fixture.well());
  }
}

TEST_CASE("survey: ask-cycle is found elsewhere; whoever got no answer between two looks is named for it") {
  RecordFixture fixture;
  Record& record = fixture.actor("/asks");
  fixture.actor("/other");
  record.asking = 1;
  fixture.look();
  CHECK(fixture.survey.askers().empty());
  SUBCASE("no answer") {
    fixture.look();
    REQUIRE(fixture.survey.askers().size() == 1);
    CHECK(fixture.survey.askers()[0].path == "/asks");
    CHECK(fixture.survey.askers()[0].id == fixture.whom.id());
    CHECK(fixture.well());
  }
  SUBCASE("an answer") {
    record.answers += 1;
    fixture.look();
    CHECK(fixture.survey.askers().empty());
  }
  SUBCASE("as many as are asked") {
    for (std::size_t i = 0; i < kAskersMax + 3; ++i) fixture.actor("/asks/" + std::to_string(i)).asking = 1;
    fixture.look();
    fixture.look();
    CHECK(fixture.survey.askers().size() == kAskersMax);
  }
  SUBCASE("what was found is one of the findings") {
    fixture.survey.begin();
    fixture.survey.add({Warning::ask_cycle, "/asks", "/asks asks /asks", 1});
    fixture.survey.finish(fixture.actors.node, fixture.now, fixture.wall);
    CHECK(fixture.only(Warning::ask_cycle));
  }
}
