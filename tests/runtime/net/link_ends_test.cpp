// How a link ends, and what it leaves.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

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
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  cluster.inside(0, [&](Scripted& self) { self.node().remote(cluster[1].id(), "/count"); });
  link = cluster[0].pool->in_service(cluster[1].id());
  REQUIRE_FALSE(link.expired());
  cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.stage.run_for(10s);
  CHECK(cluster[0].pool->rows().empty());
  CHECK(link.expired());
}

TEST_CASE("link: strangers that connect and leave are forgotten, also by a node that never dials") {
  NetCluster cluster(2);
  Visitor::Seen seen;
  for (int i = 0; i < 8; ++i) {
    const Handle stranger = cluster[0].node.start("stranger-" + std::to_string(i), [&] {
      return std::make_unique<Visitor>(Visitor::at(*cluster[1].address), seen);
    });
    cluster.stage.run_for(100ms);
    caf::anon_send_exit(stranger, caf::exit_reason::kill);
    cluster.stage.run_for(1s);
  }
  CHECK(cluster[1].pool->seats().taken == 0);
  CHECK_NOTHROW(cluster[1].pool->check());
}

TEST_CASE("link: what it has moved stays counted after its end, and a next one adds to that") {
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  const auto moved = [&] { return cluster[0].pool->traffic(messages::Role::peer); };
  std::uint64_t sent = 0, received = 0;
  CHECK(moved().sent == 0);
  for (int link = 0; link < 3; ++link) {
    cluster.inside(0, [&](Scripted& self) { self.node().remote(cluster[1].id(), "/count"); });
    REQUIRE(cluster[0].pool->rows().size() == 1);
    CHECK(moved().sent == sent + cluster[0].pool->rows()[0].sent);
    CHECK(moved().received == received + cluster[0].pool->rows()[0].received);
    CHECK(moved().sent > sent);
    CHECK(moved().received > received);
    sent = moved().sent;
    received = moved().received;
    cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
    cluster.stage.run_for(10s);
    REQUIRE(cluster[0].pool->rows().empty());
    CHECK(moved().sent >= sent);
    CHECK(moved().received >= received);
    sent = moved().sent;
    received = moved().received;
  }
  CHECK(cluster[0].pool->traffic(messages::Role::operate).sent == 0);
}

TEST_CASE("link: the third loss of links to one node within a minute sounds an alarm, with its id") {
  NetCluster cluster(3);
  for (const std::size_t member : {1, 2}) cluster.serve<Number>(member, "count", successor);
  const auto lose = [&](std::size_t other, base::Duration then) {
    cluster.inside(0, [&](Scripted& self) { self.node().remote(cluster[other].id(), "/count"); });
    REQUIRE(cluster[0].pool->rows().size() == 1);
    cluster.fabric->reset(cluster[0].ports.address(), cluster[other].ports.address());
    cluster.stage.run_for(then);
    REQUIRE(cluster[0].pool->rows().empty());
  };
  const auto flaps = [&] { return cluster[0].node.alarms().count(runtime::Alarm::flapping_link); };
  lose(1, 1s);
  lose(2, 1s);
  lose(1, 1s);
  lose(2, 1s);
  CHECK(flaps() == 0);
  SUBCASE("in time") {
    lose(1, 1s);
    REQUIRE(flaps() == 1);
    CHECK(cluster[0].node.alarms().since({}).at(0).subject == cluster[1].id().hex());
    CHECK(cluster[0].node.alarms().since({}).at(0).lately == 3);
    lose(1, 1s);
    CHECK(cluster[0].node.alarms().since({}).at(0).lately == 4);
  }
  SUBCASE("too late for the first two") {
    cluster.stage.run_for(runtime::kFlapTime);
    lose(1, 1s);
    CHECK(flaps() == 0);
  }
}

TEST_CASE("link: one that a side ends on purpose is no loss, at either end") {
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  const auto dial = [&](std::size_t from, base::Duration then) {
    const auto other = base::HostPort::parse(cluster[1 - from].address->text());
    cluster.inside(
        from, [&](Scripted&) { cluster[from].pool->dial(*other); }, then);
  };
  for (std::uint32_t i = 0; i < runtime::kFlaps; ++i) {
    SUBCASE("hung up") {
      dial(0, 1s);
      net::hang_up(*cluster[0].pool->in_service(cluster[1].id()));
      cluster.stage.run_for(1s);
      REQUIRE(cluster[1].pool->rows().empty());
    }
    SUBCASE("replaced by a newer one") {
      dial(i % 2, 6s);
      REQUIRE(cluster[1].pool->rows().size() == 1);
    }
  }
  cluster.stage.run_for(net::kGiveWayMax);
  for (const auto& member : cluster.members) CHECK(member->node.alarms().count(runtime::Alarm::flapping_link) == 0);
}

TEST_CASE("link: the log tells that it is up, and how and why it ended; so does what is kept of its actor") {
  NetCluster cluster(2);
  const auto& lines = cluster[0].logged;
  const std::string node = " node=" + cluster[1].id().hex() + " address=" + cluster[1].address->text();
  cluster.inside(0, [&](Scripted& self) { self.node().remote(cluster[1].id(), "/count"); });
  REQUIRE(lines == std::vector<std::string>{"links: link is up" + node + " dialled=here"});
  REQUIRE(cluster[1].logged.size() == 1);
  CHECK(cluster[1].logged[0].starts_with("links: link is up node=" + cluster[0].id().hex()));
  CHECK(cluster[1].logged[0].ends_with(" dialled=there"));
  const auto ended = [&](std::size_t member) { return cluster[member].node.ended().list().at(0); };
  std::string here, there;
  SUBCASE("lost") {
    cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
    cluster.stage.run_for(10s);
    here = there = "connection reset";
    CHECK(lines.back() == "links: link was lost" + node + " why=\"" + here + '"');
  }
  SUBCASE("hung up, with a reason") {
    net::hang_up(*cluster[0].pool->in_service(cluster[1].id()), "it is not needed");
    cluster.stage.run_for(1s);
    here = "this side has hung up: it is not needed";
    there = "the other side has hung up";
    CHECK(lines.back() == "links: link has ended" + node + " why=\"" + here + '"');
  }
  CHECK(lines.size() == 2);
  CHECK(cluster[1].logged.size() == 2);
  CHECK(ended(0).path == "/peer/" + cluster[1].id().hex().substr(0, 8));
  CHECK(ended(0).code == Code{});
  CHECK(ended(0).why == here);
  CHECK(ended(1).why == there);
}

TEST_CASE("link: what was told before a hang-up arrives") {
  NetCluster cluster(2);
  int told = 0;
  cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) { on.tell<Number>([&](Number::Reader) { ++told; }); });
  const auto tell_and_hang_up = [&](Scripted& self) {
    const Handle remote = self.node().remote(cluster[1].id(), "/count");
    for (int i = 0; i < 100; ++i) self.tell<Number>(remote, number(1));
    net::hang_up(*cluster[0].pool->in_service(cluster[1].id()));
  };
  cluster.inside(0, [&](Scripted& self) { self.node().remote(cluster[1].id(), "/count"); });
  cluster.inside(0, tell_and_hang_up);
  CHECK(told == 100);
  CHECK(cluster[0].pool->rows().empty());
  CHECK(cluster[1].pool->rows().empty());
}

TEST_CASE("link: none comes up once `/links` has stopped, however far its handshake was") {
  for (auto progress = 0ms; progress < 200ms; progress += 3ms) {
    NetCluster cluster(2);
    cluster.inside(
        0, [&](Scripted&) { cluster[0].pool->dial(*base::HostPort::parse(cluster[1].address->text())); }, progress);
    cluster.inside(
        1,
        [](Scripted& self) {
          self.send(self.node().find("/links"), Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
        },
        30s);
    CHECK(cluster[1].pool->rows().empty());
    CHECK(cluster[0].pool->rows().empty());
    CHECK(cluster.fabric->streams() == 0);
  }
}

TEST_CASE("link: a question to the sender of a foreign message is answered `unavailable` at once") {
  NetCluster cluster(2);
  Outcome outcome;
  cluster.serve<Number>(1, "count", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      self.ask<Number, Number>(self.sender(), base::Instant::max(), number(1), outcome.note());
      reply.done();
    });
  });
  cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 5s, number(1),
                             [](Answer<Number>) {});
  });
  CHECK(outcome.calls == 1);
  CHECK(outcome.code == Code::unavailable);
}

TEST_CASE("link: a stranger whose TLS is broken is closed at once, and not read any more") {
  NetCluster cluster(2);
  Visitor::Seen seen;
  cluster[0].node.start("stranger", [&] {
    return std::make_unique<Visitor>(Visitor::at(*cluster[1].address), seen, [](ports::Stream& stream) {
      stream.pause(true);  // it does not even look whether it was closed
      return stream.write(base::Bytes(sim::kWindowBytes, 'x'));
    });
  });
  cluster.stage.run_for(4s);  // less than a stream waits for its other side
  CHECK(cluster[1].pool->counters().of(net::Turned::channel) == 1);
  CHECK(seen.written <= 2 * sim::kWindowBytes);
}

TEST_CASE("link: two nodes with one identity that meet know it, and have no link") {
  NetCluster cluster(1);
  cluster.add_copy(0, 7);
  CHECK(!cluster[0].pool->own_id_met());
  cluster.inside(1, [&](Scripted&) { cluster[1].pool->dial(*base::HostPort::parse(cluster[0].address->text())); });
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(cluster[i].pool->rows().empty());
    CHECK(cluster[i].pool->own_id_met().has_value());
    CHECK(cluster[i].pool->counters().of(net::Turned::elsewhere) == 1);
  }
}

TEST_CASE("link: a node that meets itself knows of no other with its identity") {
  NetCluster cluster(1);
  cluster.inside(0, [&](Scripted&) { cluster[0].pool->dial(*base::HostPort::parse(cluster[0].address->text())); });
  CHECK(!cluster[0].pool->own_id_met());
  CHECK(cluster[0].pool->counters().of(net::Turned::elsewhere) == 0);
}
