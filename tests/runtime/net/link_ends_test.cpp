// How a link ends, and what it leaves.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/village.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Number;
using runtime::Answer;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("link: one that has ended is freed") {
  std::weak_ptr<net::Link> link;
  Village village(2);
  village.serve<Number>(1, "count", successor);
  village.inside(0, [&](Scripted& self) { self.node().remote(village[1].id(), "/count"); });
  link = village[0].pool->in_service(village[1].id());
  REQUIRE_FALSE(link.expired());
  village.fabric->reset(village[0].ports.address(), village[1].ports.address());
  village.stage.run_for(10s);
  CHECK(village[0].pool->rows().empty());
  CHECK(link.expired());
}

TEST_CASE("link: what it has moved stays counted after its end, and a next one adds to that") {
  Village village(2);
  village.serve<Number>(1, "count", successor);
  const auto moved = [&] { return village[0].pool->traffic(messages::Role::peer); };
  std::uint64_t sent = 0, received = 0;
  CHECK(moved().sent == 0);
  for (int link = 0; link < 3; ++link) {
    village.inside(0, [&](Scripted& self) { self.node().remote(village[1].id(), "/count"); });
    REQUIRE(village[0].pool->rows().size() == 1);
    CHECK(moved().sent == sent + village[0].pool->rows()[0].sent);
    CHECK(moved().received == received + village[0].pool->rows()[0].received);
    CHECK(moved().sent > sent);
    CHECK(moved().received > received);
    sent = moved().sent;
    received = moved().received;
    village.fabric->reset(village[0].ports.address(), village[1].ports.address());
    village.stage.run_for(10s);
    REQUIRE(village[0].pool->rows().empty());
    CHECK(moved().sent >= sent);
    CHECK(moved().received >= received);
    sent = moved().sent;
    received = moved().received;
  }
  CHECK(village[0].pool->traffic(messages::Role::operate).sent == 0);
}

TEST_CASE("link: the third loss of links to one node within a minute sounds an alarm, with its id") {
  Village village(3);
  for (const std::size_t house : {1, 2}) village.serve<Number>(house, "count", successor);
  const auto lose = [&](std::size_t other, base::Duration then) {
    village.inside(0, [&](Scripted& self) { self.node().remote(village[other].id(), "/count"); });
    REQUIRE(village[0].pool->rows().size() == 1);
    village.fabric->reset(village[0].ports.address(), village[other].ports.address());
    village.stage.run_for(then);
    REQUIRE(village[0].pool->rows().empty());
  };
  const auto flaps = [&] { return village[0].node.alarms().count(runtime::Alarm::flapping_link); };
  lose(1, 1s);
  lose(2, 1s);
  lose(1, 1s);
  lose(2, 1s);
  CHECK(flaps() == 0);
  SUBCASE("in time") {
    lose(1, 1s);
    REQUIRE(flaps() == 1);
    CHECK(village[0].node.alarms().since({}).at(0).subject == village[1].id().hex());
    CHECK(village[0].node.alarms().since({}).at(0).lately == 3);
    lose(1, 1s);
    CHECK(village[0].node.alarms().since({}).at(0).lately == 4);
  }
  SUBCASE("too late for the first two") {
    village.stage.run_for(runtime::kFlapTime);
    lose(1, 1s);
    CHECK(flaps() == 0);
  }
}

TEST_CASE("link: one that a side ends on purpose is no loss, at either end") {
  Village village(2);
  village.serve<Number>(1, "count", successor);
  const auto dial = [&](std::size_t from, base::Duration then) {
    const auto other = base::HostPort::parse(village[1 - from].address->text());
    village.inside(
        from, [&](Scripted&) { village[from].pool->dial(*other); }, then);
  };
  for (std::uint32_t i = 0; i < runtime::kFlaps; ++i) {
    SUBCASE("hung up") {
      dial(0, 1s);
      net::hang_up(*village[0].pool->in_service(village[1].id()));
      village.stage.run_for(1s);
      REQUIRE(village[1].pool->rows().empty());
    }
    SUBCASE("replaced by a newer one") {
      dial(i % 2, 6s);
      REQUIRE(village[1].pool->rows().size() == 1);
    }
  }
  village.stage.run_for(net::kGiveWayMax);
  for (const auto& house : village.houses) CHECK(house->node.alarms().count(runtime::Alarm::flapping_link) == 0);
}

TEST_CASE("link: the log tells that it is up, and how and why it ended; so does what is kept of its actor") {
  Village village(2);
  const auto& lines = village[0].logged;
  const std::string node = " node=" + village[1].id().hex() + " address=" + village[1].address->text();
  village.inside(0, [&](Scripted& self) { self.node().remote(village[1].id(), "/count"); });
  REQUIRE(lines == std::vector<std::string>{"links: link is up" + node + " dialled=here"});
  REQUIRE(village[1].logged.size() == 1);
  CHECK(village[1].logged[0].starts_with("links: link is up node=" + village[0].id().hex()));
  CHECK(village[1].logged[0].ends_with(" dialled=there"));
  const auto ended = [&](std::size_t house) { return village[house].node.ended().list().at(0); };
  std::string here, there;
  SUBCASE("lost") {
    village.fabric->reset(village[0].ports.address(), village[1].ports.address());
    village.stage.run_for(10s);
    here = there = "connection reset";
    CHECK(lines.back() == "links: link was lost" + node + " why=\"" + here + '"');
  }
  SUBCASE("hung up, with a reason") {
    net::hang_up(*village[0].pool->in_service(village[1].id()), "nobody needs it");
    village.stage.run_for(1s);
    here = "this side has hung up: nobody needs it";
    there = "the other side has hung up";
    CHECK(lines.back() == "links: link has ended" + node + " why=\"" + here + '"');
  }
  CHECK(lines.size() == 2);
  CHECK(village[1].logged.size() == 2);
  CHECK(ended(0).path == "/peer/" + village[1].id().hex().substr(0, 8));
  CHECK(ended(0).code == Code{});
  CHECK(ended(0).why == here);
  CHECK(ended(1).why == there);
}

TEST_CASE("link: what was told before a hang-up arrives") {
  Village village(2);
  int told = 0;
  village.serve<Number>(1, "count", [&](Scripted&, Handlers& on) { on.tell<Number>([&](Number::Reader) { ++told; }); });
  const auto tell_and_hang_up = [&](Scripted& self) {
    const Handle remote = self.node().remote(village[1].id(), "/count");
    for (int i = 0; i < 100; ++i) self.tell<Number>(remote, number(1));
    net::hang_up(*village[0].pool->in_service(village[1].id()));
  };
  village.inside(0, [&](Scripted& self) { self.node().remote(village[1].id(), "/count"); });
  village.inside(0, tell_and_hang_up);
  CHECK(told == 100);
  CHECK(village[0].pool->rows().empty());
  CHECK(village[1].pool->rows().empty());
}

TEST_CASE("link: none comes up once `/links` has stopped, however far its handshake was") {
  for (auto progress = 0ms; progress < 200ms; progress += 3ms) {
    Village village(2);
    village.inside(
        0, [&](Scripted&) { village[0].pool->dial(*base::HostPort::parse(village[1].address->text())); }, progress);
    village.inside(
        1,
        [](Scripted& self) {
          self.send(self.node().find("/links"), Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
        },
        30s);
    CHECK(village[1].pool->rows().empty());
    CHECK(village[0].pool->rows().empty());
    CHECK(village.fabric->streams() == 0);
  }
}

TEST_CASE("link: whoever asks the sender of a foreign message hears `unavailable` at once") {
  Village village(2);
  Outcome outcome;
  village.serve<Number>(1, "count", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      self.ask<Number, Number>(self.sender(), base::Instant::max(), number(1), outcome.note());
      reply.done();
    });
  });
  village.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().remote(village[1].id(), "/count"), self.now() + 5s, number(1),
                             [](Answer<Number>) {});
  });
  CHECK(outcome.calls == 1);
  CHECK(outcome.code == Code::unavailable);
}

TEST_CASE("link: a stranger whose TLS is broken is closed at once, and not read any more") {
  Village village(2);
  Visitor::Seen seen;
  village[0].node.start("stranger", [&] {
    return std::make_unique<Visitor>(Visitor::at(*village[1].address), seen, [](ports::Stream& stream) {
      stream.pause(true);  // it does not even look whether it was closed
      return stream.write(base::Bytes(sim::kWindowBytes, 'x'));
    });
  });
  village.stage.run_for(4s);  // less than a stream waits for its other side
  CHECK(village[1].pool->counters().of(net::Turned::channel) == 1);
  CHECK(seen.written <= 2 * sim::kWindowBytes);
}
