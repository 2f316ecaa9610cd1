// The warnings, one by one, from records filled by hand: those of actors.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/actors/inspect/ward.hpp"

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
  CHECK(names.back() == "flapping-link");
  std::ranges::sort(names);
  CHECK(std::ranges::unique(names).empty());
}

TEST_CASE("survey: idle actors, busy ones and those that wait for a moment are fine; they are counted") {
  Ward ward;
  Record& idle = ward.actor("/idle");
  Record& busy = ward.actor("/busy");
  handle(idle, 3, 3);
  for (int i = 0; i < 50; ++i) {
    handle(busy, 5'000, i == 0 ? 4'990 : 5'000);  // ten always wait, but never the same
    busy.mark(busy.handled, ward.now + 2s - 100ms, nullptr, 0);
    busy.asking = 4;
    busy.answers += 100;
    ward.look();
    CHECK(ward.well());
    CHECK(ward.survey.askers().empty());
  }
  busy.refused_full = 7;
  idle.restarts = 1;
  ward.look(100ms);
  const Totals& totals = ward.survey.totals();
  CHECK(totals.actors == 2);
  CHECK(totals.waiting == 10);
  CHECK(totals.handled == 3 + 50 * 5'000 - 10 + 50 * 100);  // answers, too
  CHECK(totals.refused == 7);
  CHECK(totals.restarts == 1);
  CHECK(totals.oldest == 200ms);
}

TEST_CASE("survey: growing-mailbox, after five looks at which it had grown, and from 1,000 messages on") {
  Ward ward;
  Record& record = ward.actor("/slow");
  handle(record, 999 - 4 * 100, 0);
  SUBCASE("it grows") {
    ward.look();
    for (int i = 1; i <= 5; ++i) {
      handle(record, 200, i == 5 ? 99 : 100);
      ward.look();
      CHECK(ward.well() == (i < 5));
    }
    CHECK(ward.only(Warning::growing_mailbox));
    CHECK(ward.finding().subject == "/slow");
    CHECK(ward.says("/slow grows: 1,100 messages wait (1,000 or more, and more at each of the last 5 looks)"));
    SUBCASE("until it shrinks") {
      handle(record, 0, 1);
      ward.look();
      CHECK(ward.well());
    }
  }
  SUBCASE("to 999 messages") {
    ward.look();
    for (int i = 1; i <= 4; ++i) {
      handle(record, 200, 100);
      ward.look();
      CHECK(ward.well());
    }
    for (int i = 0; i < 10; ++i) {
      handle(record, 1, 1);
      ward.look();
      CHECK(ward.well());
    }
  }
  SUBCASE("it shrinks on the way, and is counted anew") {
    handle(record, 5'000, 10);
    ward.look();
    for (int i = 1; i <= 14; ++i) {
      handle(record, 200, i % 5 == 0 ? 201 : 100);
      ward.look();
      CHECK(ward.well());
    }
    handle(record, 200, 100);
    ward.look();
    CHECK(ward.only(Warning::growing_mailbox));
  }
}

TEST_CASE("survey: old-message, when the oldest has waited for more than a second") {
  Ward ward;
  Record& record = ward.actor("/late");
  SUBCASE("as it was marked") {
    handle(record, 8, 7);
    record.mark(7, ward.now + 1s, nullptr, 0);
    ward.look();  // a second later
    CHECK(ward.well());
    record.mark(7, ward.now - 1s - 1ms, nullptr, 0);
    ward.look(0s);
    CHECK(ward.only(Warning::old_message));
    CHECK(ward.finding().subject == "/late");
    CHECK(ward.says("mailbox of /late for 1,001 ms (more than 1 s)"));
  }
  SUBCASE("without a mark, since nothing was handled between two looks") {
    handle(record, 1, 0);
    ward.look();
    CHECK(ward.well());
    ward.look(1s);
    CHECK(ward.well());
    ward.look(1ms);
    CHECK(ward.only(Warning::old_message));
    handle(record, 0, 1);
    ward.look();
    CHECK(ward.well());
  }
  SUBCASE("the worst of several is told, and how many there are") {
    for (int i = 0; i < 5; ++i) {
      Record& other = ward.actor("/late/" + std::to_string(i));
      handle(other, 1, 0);
      other.mark(0, ward.now - (i == 3 ? 100s : 10s), nullptr, 0);
    }
    ward.look();
    CHECK(ward.only(Warning::old_message));
    CHECK(ward.finding().subject == "/late/3");
    CHECK(ward.finding().cases == 5);
    CHECK(ward.says("102 s"));
  }
  SUBCASE("of an actor for which there is no place any more, as one look shows it") {
    for (std::size_t i = 1; i < kSuspectsMax; ++i) ward.actor("/asks/" + std::to_string(i)).asking = 1;
    record.asking = 1;
    ward.look();
    Record& other = ward.actor("/other");
    handle(other, 1, 0);
    ward.look();
    CHECK(ward.well());
    other.mark(0, ward.now, nullptr, 0);
    ward.look();
    CHECK(ward.only(Warning::old_message));
    CHECK(ward.finding().subject == "/other");
  }
}

TEST_CASE("survey: never-idle, after half a minute in which an actor did nothing but work") {
  Ward ward;
  Record& record = ward.actor("/busy");
  const auto work = [&](base::Duration length) {
    record.begin_turn(ward.now);
    record.end_turn(ward.now + length, length);
    ward.look();
  };
  work(2s);
  for (int i = 1; i < 15; ++i) {
    CHECK(ward.well());
    work(1'901ms);
  }
  CHECK(ward.well());
  SUBCASE("at 95 % of the time and more") {
    work(1'901ms);
    CHECK(ward.only(Warning::never_idle));
    CHECK(ward.finding().subject == "/busy");
    CHECK(ward.says("/busy has not rested for 30 s"));
    CHECK(ward.says("30 s or more at 95 % or more"));
    work(0s);
    CHECK(ward.well());
  }
  SUBCASE("not if it rested before the time was over, and then it is counted anew") {
    work(1'890ms);
    CHECK(ward.well());
    for (int i = 0; i < 15; ++i) {
      work(2s);
      CHECK(ward.well());
    }
    work(2s);
    CHECK(ward.only(Warning::never_idle));
  }
}

TEST_CASE("survey: restart-storm, at the third restart within half a minute") {
  Ward ward;
  Record& record = ward.actor("/weak");
  record.last_error = base::Code::internal;
  ward.look();
  const auto restart = [&](base::Duration passed) {
    record.restarted(ward.now + passed);
    ward.look(passed);
  };
  SUBCASE("three") {
    restart(2s);
    restart(2s);
    CHECK(ward.well());
    restart(28s);
    CHECK(ward.only(Warning::restart_storm));
    CHECK(ward.finding().subject == "/weak");
    CHECK(ward.says("/weak breaks again and again (internal; 3 or more restarts within 30 s)"));
    ward.look(1ms);
    CHECK(ward.well());
  }
  SUBCASE("three between two looks") {
    for (int i = 0; i < 3; ++i) record.restarted(ward.now);
    ward.look();
    CHECK(ward.only(Warning::restart_storm));
  }
  SUBCASE("many, but slowly") {
    for (int i = 0; i < 20; ++i) {
      restart(16s);
      CHECK(ward.well());
    }
  }
  SUBCASE("another actor at the same path begins at zero") {
    restart(2s);
    restart(2s);
    record.restarts = 0;
    ward.look();
    CHECK(ward.well());
  }
}

TEST_CASE("survey: no-credit, when a stream's reader has taken nothing for five seconds") {
  Ward ward;
  Record& record = ward.actor("/writer");
  record.starved_ms = ward.milliseconds() + 2'000;
  ward.look();
  CHECK(ward.well());
  SUBCASE("five seconds") {
    ward.look(4'999ms);
    CHECK(ward.well());
    ward.look(1ms);
    CHECK(ward.only(Warning::no_credit));
    CHECK(ward.finding().subject == "/writer");
    CHECK(ward.says("/writer has not been allowed to write on for 5,000 ms"));
    CHECK(ward.says("(more than 5 s)"));
    record.starved_ms = 0;
    ward.look();
    CHECK(ward.well());
  }
  SUBCASE("not if its credit went after the survey had looked at its clock") {
    record.starved_ms = ward.milliseconds() + 3;
    ward.look(1ms);
    CHECK(ward.well());
  }
}

TEST_CASE("survey: ask-cycle is found elsewhere; whoever got no answer between two looks is named for it") {
  Ward ward;
  Record& record = ward.actor("/asks");
  ward.actor("/other");
  record.asking = 1;
  ward.look();
  CHECK(ward.survey.askers().empty());
  SUBCASE("no answer") {
    ward.look();
    REQUIRE(ward.survey.askers().size() == 1);
    CHECK(ward.survey.askers()[0].path == "/asks");
    CHECK(ward.survey.askers()[0].id == ward.whom.id());
    CHECK(ward.well());
  }
  SUBCASE("an answer") {
    record.answers += 1;
    ward.look();
    CHECK(ward.survey.askers().empty());
  }
  SUBCASE("as many as are asked") {
    for (std::size_t i = 0; i < kAskersMax + 3; ++i) ward.actor("/asks/" + std::to_string(i)).asking = 1;
    ward.look();
    ward.look();
    CHECK(ward.survey.askers().size() == kAskersMax);
  }
  SUBCASE("what was found is one of the findings") {
    ward.survey.begin();
    ward.survey.add({Warning::ask_cycle, "/asks", "/asks asks /asks", 1});
    ward.survey.finish(ward.theatre.node, ward.now, ward.wall);
    CHECK(ward.only(Warning::ask_cycle));
  }
}
