#include "actors/reputation/reputation_actor.hpp"

#include <doctest/doctest.h>

#include "messages/codec.hpp"
#include "messages/registry.capnp.h"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/reputation/events.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::reputation;
using namespace std::chrono_literals;

namespace {

/// One that the registry knows; kKnown is the first.
base::NodeId known(std::uint8_t number) {
  base::NodeId out;
  out.bytes[0] = 7;
  out.bytes[1] = number;
  return out;
}
const base::NodeId kKnown = known(0);

/// A node with a store, whose registry knows some others.
struct ReputationFixture : test::ActorFixture {
  ReputationFixture() {
    settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    settings.rules = {{"late_delivery", -3}};
    settings.registry = "/list";
    start("list", [](test::Scripted&, runtime::Handlers& on) {
      on.stream<registry::wire::ViewNode, registry::wire::NodeRows>(
          [](registry::wire::ViewNode::Reader question, runtime::Sink<registry::wire::NodeRows> to) {
            if (node_of(question.getNode())->bytes[0] == kKnown.bytes[0]) return to.end();
            to.fail({base::Code::not_found, "no node with this id is in the registry"});
          });
    });
    store = node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    begin();
  }
  void begin() {
    actor = node.start("reputation", [this] { return std::make_unique<ReputationActor>(settings); });
    stage.run_for(1s);
  }
  void restart() {
    kill(actor);
    stage.run_for(1s);
    begin();
  }

  struct Said {
    std::uint32_t before = 0, after = 0;
    bool clamped = false;
    std::optional<base::Error> error;
  };
  Said report(const char* event, std::optional<int> points = {}, const char* request = "",
              const base::NodeId& of = kKnown) {
    Said out;
    inside([&](test::Scripted& self) {
      self.ask<wire::Report, wire::Reported>(
          actor, self.now() + 5s,
          [&](wire::Report::Builder to) {
            to.setNode(data_of(of.view()));
            to.setEvent(event);
            if (points) to.getPoints().setGiven(static_cast<std::int8_t>(*points));
            to.setRequest(request);
          },
          [&](runtime::Answer<wire::Reported> answer) {
            if (!answer.ok()) out.error = answer.error();
            else out = {answer.value().getOld(), answer.value().getNew(), answer.value().getClamped(), {}};
          });
    });
    stage.run_for(6s);
    return out;
  }
  std::vector<Event> events(const base::NodeId& of = kKnown) {
    std::vector<Event> out;
    inside([&](test::Scripted& self) {
      self.ask<wire::ListEvents, wire::Events>(
          actor, self.now() + 5s, [&](wire::ListEvents::Builder to) { to.setNode(data_of(of.view())); },
          [&](runtime::Answer<wire::Events> answer) {
            REQUIRE(answer.ok());
            for (const auto one : answer.value().getEvents()) out.push_back(*parse_event(bytes_of(one)));
          });
    });
    stage.run_for(1s);
    return out;
  }

  ReputationSettings settings;
  runtime::Handle store, actor;
};

}  // namespace

TEST_CASE("reputation: events are folded, kept, and known after a restart") {
  ReputationFixture it;
  CHECK(it.report("task_success").after == 20'000);
  const auto late = it.report("late_delivery");
  CHECK(late.before == 20'000);
  CHECK(late.after == 17'000);
  const auto malicious = it.report("malicious_behavior");
  CHECK(malicious.clamped);
  CHECK(malicious.after == 0);
  it.restart();
  CHECK(it.report("praise", 7).before == 0);
  const auto events = it.events();
  REQUIRE(events.size() == 4);
  CHECK(events[1].delta == -3);
  CHECK(events[3].kind == "praise");
}

TEST_CASE("reputation: a request counts once, also after a restart, and has one content") {
  ReputationFixture it;
  CHECK(it.report("task_success", {}, "a").after == 20'000);
  CHECK(it.report("task_success", {}, "a").after == 20'000);
  CHECK(it.events().size() == 1);
  it.restart();
  CHECK(it.report("task_success", {}, "a").before == 10'000);
  CHECK(it.events().size() == 1);
  CHECK(it.report("task_failure", {}, "a").error->code == base::Code::conflict);
}

TEST_CASE("reputation: what no rule names is refused, and so is a node that the registry does not know") {
  ReputationFixture it;
  CHECK(it.report("praise").error->code == base::Code::malformed);
  CHECK(it.report("praise", 101).error->code == base::Code::malformed);
  CHECK(it.report("task_success", 10).error->code == base::Code::malformed);
  CHECK(it.report("Praise", 1).error->code == base::Code::malformed);
  CHECK(it.report("task_success", {}, "", base::NodeId{}).error->code == base::Code::not_found);
  CHECK(it.events().empty());
}

TEST_CASE("reputation: after a clock went back, an event comes behind the last one all the same") {
  ReputationFixture it;
  CHECK(it.report("praise", 100).after == 100'000);
  it.ports.clock().step(-1h);
  CHECK(it.report("task_failure").after == 95'000);
  const auto events = it.events();
  REQUIRE(events.size() == 2);
  CHECK(events[1].kind == "task_failure");
  CHECK(events[1].unix_ms == events[0].unix_ms + 1);
}

TEST_CASE("reputation: in a full book a further node takes the place of the one whose score says least") {
  ReputationFixture it;
  it.settings.nodes_max = 3;
  it.restart();
  it.report("malicious_behavior", {}, "", known(1));
  it.report("praise", 1, "", known(2));
  it.report("praise", -1, "", known(2));  // at 10 again
  it.report("task_success", {}, "", known(3));
  CHECK(it.report("task_failure", {}, "", known(4)).after == 5'000);
  CHECK(it.events(known(2)).empty());
  CHECK(it.events(known(1)).size() == 1);
  it.restart();
  CHECK(it.report("praise", 1, "", known(1)).before == 0);
  CHECK(it.report("praise", 1, "", known(3)).before == 20'000);
  CHECK(it.report("praise", 1, "", known(4)).before == 5'000);
  CHECK(it.report("praise", 1, "", known(2)).before == 10'000);  // in the place of known(4)
  CHECK(it.events(known(4)).empty());
}

TEST_CASE("reputation: the same request twice at once counts once, and many events at once all count") {
  ReputationFixture it;
  std::size_t answered = 0;
  it.inside([&](test::Scripted& self) {
    for (int i = 0; i < 20; ++i)
      self.ask<wire::Report, wire::Reported>(
          it.actor, self.now() + 5s,
          [&](wire::Report::Builder to) {
            to.setNode(data_of(kKnown.view()));
            to.setEvent("task_success");
            to.setRequest(i < 15 ? "same" : "other " + std::to_string(i));
          },
          [&](runtime::Answer<wire::Reported> answer) {
            REQUIRE(answer.ok());
            ++answered;
          });
  });
  it.stage.run_for(6s);
  CHECK(answered == 20);
  CHECK(it.events().size() == 6);
  CHECK(it.report("task_failure").before == 70'000);
}
