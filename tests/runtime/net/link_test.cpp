#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Error;
using base::Result;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using messages::Role;
using runtime::Answer;
using runtime::DeadLetter;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;
using runtime::Sink;

TEST_CASE("link: a question to a remote handle gives its answer or its error, and dials on first use") {
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", [](Scripted&, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader question, Reply<Number> reply) {
      if (question.getValue() == 13) return reply.refuse({Code::conflict, "unlucky"});
      reply.send(number(question.getValue() + 1));
    });
  });
  Outcome good, bad;
  cluster.inside(0, [&](Scripted& self) {
    const Handle remote = self.node().remote(cluster[1].id(), "/count");
    self.ask<Number, Number>(remote, self.now() + 5s, number(41), good.note());
    self.ask<Number, Number>(remote, self.now() + 5s, number(13), bad.note());
  });
  CHECK(good.value == 42);
  CHECK(bad.code == Code::conflict);
  CHECK(cluster[0].pool->rows().size() == 1);
  CHECK(cluster[1].pool->rows().size() == 1);
  CHECK(cluster[0].pool->rows()[0].node == cluster[1].id());
  CHECK(cluster[1].pool->rows()[0].node == cluster[0].id());
}

TEST_CASE("link: the receiver sees which node asks, and no node reaches an unpublished actor") {
  NetCluster cluster(2);
  runtime::Caller asker;
  cluster.serve<Number>(1, "count", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      asker = self.caller();
      reply.done();
    });
  });
  cluster[1].node.start("hidden", script(successor));
  Outcome seen, hidden, unoffered;
  cluster.inside(0, [&](Scripted& self) {
    const auto remote = [&](const char* path) { return self.node().remote(cluster[1].id(), path); };
    self.ask<Number, Number>(remote("/count"), self.now() + 5s, number(1), seen.note());
    self.ask<Number, Number>(remote("/hidden"), self.now() + 5s, number(1), hidden.note());
    self.ask<Order, Number>(
        remote("/count"), self.now() + 5s, [](auto) {}, unoffered.note());
  });
  CHECK(asker.node == cluster[0].id());
  CHECK(asker.role == Role::peer);
  CHECK_FALSE(asker.by_datagram);
  REQUIRE(asker.at);
  CHECK(asker.at->address == cluster[0].address->address);
  CHECK(hidden.code == Code::not_found);
  CHECK(unoffered.code == Code::unsupported);
}

TEST_CASE("link: a node that starts or ends says of a missing service that it is unavailable") {
  NetCluster cluster(2);
  cluster[1].pool->services_incomplete = true;
  Outcome missing;
  cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/escrow"), self.now() + 5s, number(1),
                             missing.note());
  });
  CHECK(missing.code == Code::unavailable);
}

TEST_CASE("link: an unanswered question ends with its deadline, and the work is not done after it") {
  NetCluster cluster(2, 1, {}, {.min = 1s, .max = 1s});
  int ran = 0;
  cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      ++ran;
      reply.done();
    });
  });
  Outcome outcome;
  cluster.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 2s, number(1),
                                 outcome.note());
      },
      60s);
  CHECK(outcome.code == Code::timeout);
  CHECK(ran <= 1);
}

TEST_CASE("link: everything that waits is answered `unavailable` when the link dies, and monitors fire") {
  NetCluster cluster(2);
  std::vector<Reply<Number>> kept;
  const Handle keeper = cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) { kept.push_back(std::move(reply)); });
    on.tell<Latest>([&](Latest::Reader) { kept.clear(); });
  });
  std::array<Outcome, 100> outcomes;
  int downs = 0;
  Handle remote;
  cluster.inside(0, [&](Scripted& self) {
    remote = self.node().remote(cluster[1].id(), "/count");
    self.on_down = [&](const Handle& handle, const std::optional<Error>&) { downs += handle == remote; };
    self.watch(remote);
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(remote, base::Instant::max(), number(1), outcome.note());
  });
  CHECK(kept.size() == 100);
  cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.stage.run_for(50ms);
  for (const Outcome& outcome : outcomes) {
    CHECK(outcome.calls == 1);
    CHECK(outcome.code == Code::unavailable);
  }
  CHECK(downs == 1);
  Outcome late;
  cluster.inside(
      0, [&](Scripted& self) { self.ask<Number, Number>(remote, self.now() + 5s, number(1), late.note()); }, 0s);
  cluster.stage.settle();
  CHECK(late.code == Code::unavailable);
  SUBCASE("a new handle finds its way over a new link") {
    Outcome again;
    cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 500ms, number(1),
                               again.note());
    });
    CHECK(again.code == Code::timeout);
    CHECK(kept.size() == 101);
  }
  cluster.inside(1, [&](Scripted& self) { self.tell<Latest>(keeper, number(0)); });
}

TEST_CASE("link: a peer actor that dies with 100 questions unread leaves none unanswered") {
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  std::array<Outcome, 100> outcomes;
  cluster.inside(
      0, [&](Scripted& self) { self.node().remote(cluster[1].id(), "/count"); }, 1s);
  cluster.inside(
      0,
      [&](Scripted& self) {
        const Handle remote = self.node().remote(cluster[1].id(), "/count");
        const auto link = cluster[0].pool->in_service(cluster[1].id());
        REQUIRE(link != nullptr);
        caf::anon_send_exit(link->peer(), caf::exit_reason::kill);
        for (Outcome& outcome : outcomes)
          self.ask<Number, Number>(remote, base::Instant::max(), number(1), outcome.note());
      },
      50ms);
  for (const Outcome& outcome : outcomes) CHECK(outcome.calls == 1);
  CHECK(outcomes.back().code == Code::unavailable);
}

TEST_CASE("link: a monitor fires when the remote actor ends, and the link goes on") {
  NetCluster cluster(2);
  const Handle count = cluster.serve<Number>(1, "count", successor);
  cluster.serve<Number>(1, "other", successor);
  int downs = 0;
  cluster.inside(0, [&](Scripted& self) {
    self.on_down = [&](const Handle&, const std::optional<Error>&) { ++downs; };
    self.watch(self.node().remote(cluster[1].id(), "/count"));
  });
  CHECK(downs == 0);
  caf::anon_send_exit(count, caf::exit_reason::kill);
  cluster.stage.run_for(1s);
  CHECK(downs == 1);
  Outcome still;
  cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/other"), self.now() + 5s, number(1), still.note());
  });
  CHECK(still.value == 2);
}

TEST_CASE("link: streams cross it in both directions with their credit") {
  NetCluster cluster(2);
  std::uint64_t sent = 0;
  std::shared_ptr<Sink<Parcel>> out;
  cluster.serve<Order>(1, "shop", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader wanted, Sink<Parcel> sink) {
      out = std::make_shared<Sink<Parcel>>(std::move(sink));
      const std::uint64_t count = wanted.getCount();
      const auto fill = [&, count] {
        bool more = out->ready();
        while (sent < count && more)
          more = out->push([&](Parcel::Builder parcel) {
            parcel.setNumber(sent++);
            parcel.initData(100'000);
          });
        if (sent == count) out->end();
      };
      out->on_ready(fill);
      fill();
    });
  });
  std::uint64_t received = 0;
  int ends = 0;
  runtime::Subscription hold;
  cluster.inside(
      0,
      [&](Scripted& self) {
        hold = self.subscribe<Order, Parcel>(
            self.node().remote(cluster[1].id(), "/shop"), 60s, [](Order::Builder order) { order.setCount(500); },
            [&](Parcel::Reader parcel) {
              CHECK(parcel.getNumber() == received);
              ++received;
            },
            [&](Result<void, Error> ended) { ends += ended.ok(); });
      },
      100s);
  CHECK(received == 500);
  CHECK(ends == 1);
  out.reset();
}

TEST_CASE("link: a stream over it ends with an error at both sides when the link dies") {
  NetCluster cluster(2);
  int cancelled = 0;
  Sink<Parcel> out;
  cluster.serve<Order>(1, "shop", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, Sink<Parcel> sink) {
      out = std::move(sink);
      out.on_cancel([&] { ++cancelled; });
    });
  });
  std::optional<Code> ended;
  runtime::Subscription hold;
  cluster.inside(0, [&](Scripted& self) {
    hold = self.subscribe<Order, Parcel>(
        self.node().remote(cluster[1].id(), "/shop"), 600s, [](Order::Builder) {}, [](Parcel::Reader) {},
        [&](Result<void, Error> end) { ended = end.error().code; });
  });
  cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.stage.run_for(1s);
  CHECK(ended == Code::unavailable);
  CHECK(cancelled == 1);
}

TEST_CASE("link: simultaneous dials end in one link, and no question is lost") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    NetCluster cluster(2, seed);
    cluster.serve<Number>(0, "count", successor);
    cluster.serve<Number>(1, "count", successor);
    Outcome a, b;
    cluster.inside(
        0,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 5s, number(1), a.note());
        },
        0s);
    cluster.inside(
        1,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().remote(cluster[0].id(), "/count"), self.now() + 5s, number(1), b.note());
        },
        3s);
    CHECK(a.value == 2);
    CHECK(b.value == 2);
    REQUIRE(cluster[0].pool->rows().size() == 1);
    REQUIRE(cluster[1].pool->rows().size() == 1);
    CHECK(cluster[0].pool->rows()[0].outbound != cluster[1].pool->rows()[0].outbound);
    CHECK(cluster.fabric->streams() == 1);
  }
}

TEST_CASE("link: a silent link is found dead and ended") {
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  Outcome first, second;
  Handle remote;
  cluster.inside(0, [&](Scripted& self) {
    remote = self.node().remote(cluster[1].id(), "/count");
    self.ask<Number, Number>(remote, self.now() + 5s, number(1), first.note());
  });
  CHECK(first.value == 2);
  const std::uint64_t events = cluster.stage.events();
  cluster.stage.run_for(10min);
  CHECK(cluster[0].pool->rows().size() == 1);
  CHECK(cluster.stage.events() - events <= 130);  // at rest: a ping a minute, of about eleven events
  cluster.fabric->cut(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.fabric->cut(cluster[1].ports.address(), cluster[0].ports.address());
  cluster.inside(
      0, [&](Scripted& self) { self.ask<Number, Number>(remote, base::Instant::max(), number(1), second.note()); },
      2min);
  CHECK(second.code == Code::unavailable);
  CHECK(cluster[0].pool->rows().empty());
  CHECK(cluster[1].pool->rows().empty());
}

TEST_CASE("link: a reader that is cut off bounds what waits for it") {
  NetCluster cluster(2, 1, {.queue_bytes_max = 1 << 20});
  cluster.serve<Number, Parcel>(1, "count", [](Scripted&, Handlers& on) { on.tell<Parcel>([](Parcel::Reader) {}); });
  Handle remote;
  cluster.inside(0, [&](Scripted& self) { remote = self.node().remote(cluster[1].id(), "/count"); });
  cluster.fabric->cut(cluster[0].ports.address(), cluster[1].ports.address());
  for (int i = 0; i < 100; ++i)
    cluster.inside(
        0,
        [&](Scripted& self) {
          for (int k = 0; k < 10; ++k)
            self.tell<Parcel>(remote, [](Parcel::Builder parcel) { parcel.initData(10'000); });
        },
        1ms);
  const auto link = cluster[0].pool->in_service(cluster[1].id());
  REQUIRE(link != nullptr);
  CHECK(link->queued() <= 1 << 20);
  CHECK(cluster[0].node.dead_letters(DeadLetter::full) > 800);
}

TEST_CASE("link: half a handshake is dropped after its time, and strangers are counted per address") {
  NetCluster cluster(2, 1, {.links_per_address_max = 6, .handshakes_per_address_max = 4});
  Visitor::Seen seen;
  for (int i = 0; i < 10; ++i)
    cluster[0].node.start("stranger" + std::to_string(i),
                          [&] { return std::make_unique<Visitor>(Visitor::at(*cluster[1].address), seen); });
  cluster.stage.run_for(1s);
  CHECK(seen.closed == 6);
  CHECK(cluster[1].pool->counters().of(net::Turned::handshakes_of_address) == 6);
  cluster.stage.run_for(5s);
  CHECK(seen.closed == 10);
  CHECK(cluster[1].pool->counters().of(net::Turned::handshake_timeout) == 4);
  CHECK(cluster.fabric->streams() == 0);
}

TEST_CASE("link: questions beyond those in flight or those of a second are answered `overloaded`") {
  SUBCASE("in flight") {
    NetCluster cluster(2, 1, {.questions_in_flight_max = 3});
    std::vector<Reply<Number>> kept;
    const Handle keeper = cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
      on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) { kept.push_back(std::move(reply)); });
      on.tell<Latest>([&](Latest::Reader) {
        for (auto& reply : kept) reply.done();
        kept.clear();
      });
    });
    std::array<Outcome, 4> outcomes;
    const auto ask_all = [&](Scripted& self) {
      for (Outcome& outcome : outcomes)
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), base::Instant::max(), number(1),
                                 outcome.note());
    };
    cluster.inside(0, ask_all);
    CHECK(outcomes[2].calls == 0);
    CHECK(outcomes[3].code == Code::overloaded);
    cluster.inside(1, [&](Scripted& self) { self.tell<Latest>(keeper, number(0)); });
    CHECK(outcomes[2].value == 0);
    cluster.inside(0, ask_all);
    CHECK(kept.size() == 3);
    cluster.inside(1, [&](Scripted& self) { self.tell<Latest>(keeper, number(0)); });
  }
  SUBCASE("of a second and kind") {
    NetCluster cluster(2, 1, {.questions_per_second_max = 5});
    cluster.serve<Number>(1, "count", successor);
    std::array<Outcome, 8> outcomes;
    cluster.inside(0, [&](Scripted& self) {
      for (Outcome& outcome : outcomes)
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), base::Instant::max(), number(1),
                                 outcome.note());
    });
    CHECK(outcomes[4].value == 2);
    CHECK(outcomes[5].code == Code::overloaded);
    Outcome later;
    cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), base::Instant::max(), number(1),
                               later.note());
    });
    CHECK(later.value == 2);
  }
  SUBCASE("of a second and kind, but of a partner") {
    NetCluster cluster(2, 1, {.questions_per_second_max = 5});
    cluster.serve<Number>(1, "count", successor);
    cluster[1].pool->partners().are("test", {cluster[0].id()});
    std::array<Outcome, 200> outcomes;
    cluster.inside(0, [&](Scripted& self) {
      for (Outcome& outcome : outcomes)
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), base::Instant::max(), number(1),
                                 outcome.note());
    });
    CHECK(std::ranges::count(outcomes, std::optional<std::uint64_t>(2), &Outcome::value) == 200);
  }
}

TEST_CASE("link: a node that is dialled under a wrong id, or dials itself, is refused and counted") {
  NetCluster cluster(2);
  base::NodeId wrong = cluster[1].id();
  wrong.bytes[0] ^= 1;
  std::optional<Code> code;
  const auto dial = [&](Scripted& self, base::ByteView pinned, const base::Endpoint& to) {
    self.ask<net::wire::Dial, net::wire::Dialled>(
        self.node().find("/links"), self.now() + 5s,
        [&](net::wire::Dial::Builder question) {
          question.setPinned(kj::arrayPtr(pinned.data(), pinned.size()));
          question.setAddress(to.text().c_str());
        },
        [&](Answer<net::wire::Dialled> answer) { code = answer.error().code; });
  };
  SUBCASE("another id answers") {
    cluster.inside(0, [&](Scripted& self) { dial(self, wrong.view(), *cluster[1].address); });
    CHECK(code == Code::refused);
    CHECK(cluster[0].pool->counters().of(net::Refusal::wrong_id) == 1);
  }
  SUBCASE("ourselves answer") {
    cluster.inside(0, [&](Scripted& self) { dial(self, {}, *cluster[0].address); });
    CHECK(code == Code::conflict);
    CHECK(cluster[0].pool->counters().of(net::Refusal::own_key) >= 1);
  }
  SUBCASE("no node answers") {
    cluster.inside(
        0,
        [&](Scripted& self) {
          dial(self, {}, {cluster[1].address->address, 9});
        },
        6s);
    CHECK((code == Code::unavailable || code == Code::timeout));
  }
  CHECK(cluster[0].pool->rows().empty());
  CHECK(cluster[1].pool->rows().empty());
}
