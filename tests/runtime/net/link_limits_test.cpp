// What one side of a link may use of the other, and gets back.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/actor/stream_end.hpp"
#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/foreign_actor.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Answer;
using runtime::DeadLetter;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::Intake;
using runtime::Reply;
using runtime::Signal;
using runtime::Sink;

namespace {

/// An actor of the first member that opens a stream with `/shop` of the second, and sends in it what a test chooses.
class Liar {
 public:
  explicit Liar(NetCluster& cluster)
      : mouthpiece_(caf::make_actor<Mouthpiece, caf::strong_actor_ptr>(1, caf::node_id{}, &cluster.stage.system(),
                                                                       config_, heard_)),
        village_(cluster) {
    village_.inside(0, [&](Scripted& self) { shop_ = self.node().remote(village_[1].id(), "/shop"); });
    say(Envelope::build<Order>({.signal = Signal::open}, [](auto) {}));
  }
  void say(const Envelope& envelope) {
    shop_->enqueue(caf::make_mailbox_element(mouthpiece_, caf::make_message_id(1), {}, envelope), nullptr);
    village_.stage.run_for(1s);
  }

 private:
  const Mouthpiece::Heard heard_ = std::make_shared<std::vector<Envelope>>();
  caf::actor_config config_;
  caf::strong_actor_ptr mouthpiece_;
  NetCluster& village_;
  Handle shop_;
};

}  // namespace

TEST_CASE("link: questions that expire unrun give their places back") {
  NetCluster cluster(2, 1, {.questions_in_flight_max = 8});
  const auto counts = [](Scripted& self, Handlers& on) {
    successor(self, on);
    on.tell<Parcel>([](Parcel::Reader) { throw std::runtime_error("broken by hand"); });
  };
  const auto publish = [](Scripted& self) { self.node().publish<Number, Parcel>("/count", self.self()); };
  cluster[1].node.start("root", script({}, [&](Scripted& root) { root.spawn("count", script(counts, publish)); }));
  cluster.stage.run_for(1s);
  const auto ask = [&](Scripted& self, base::Duration patience, Outcome& outcome) {
    self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + patience, number(1),
                             outcome.note());
  };
  Outcome first;
  cluster.inside(0, [&](Scripted& self) { ask(self, 5s, first); });
  REQUIRE(first.value == 2);
  std::array<Outcome, 8> waiting;
  cluster.inside(
      0,
      [&](Scripted& self) {
        // What comes behind the word that breaks it waits for its restart, which takes longer than the questions may.
        self.tell<Parcel>(self.node().remote(cluster[1].id(), "/count"), [](auto) {});
        for (Outcome& outcome : waiting) ask(self, 45ms, outcome);
      },
      60s);
  for (const Outcome& outcome : waiting) CHECK(outcome.calls == 1);
  CHECK(cluster[1].node.dead_letters(DeadLetter::expired) == 8);
  std::array<Outcome, 8> later;
  cluster.inside(0, [&](Scripted& self) {
    for (Outcome& outcome : later) ask(self, 5s, outcome);
  });
  for (const Outcome& outcome : later) CHECK(outcome.value == 2);
}

TEST_CASE("link: who does not read is not read, so that answers do not pile up for it") {
  constexpr std::size_t kAnswerBytes = 500'000;
  NetCluster cluster(2, 1, {.queue_bytes_max = 1 << 20, .keep_alive = 1h});
  std::size_t read = 0;
  cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Parcel>([&](Number::Reader, Reply<Parcel> reply) {
      ++read;
      reply.send([](Parcel::Builder parcel) { parcel.initData(kAnswerBytes); });
    });
  });
  Handle remote;
  cluster.inside(0, [&](Scripted& self) { remote = self.node().remote(cluster[1].id(), "/count"); });
  cluster.fabric->cut(cluster[1].ports.address(), cluster[0].ports.address());
  const auto ask_ten = [&](Scripted& self) {
    for (int i = 0; i < 10; ++i)
      self.ask<Number, Parcel>(remote, base::Instant::max(), number(1), [](Answer<Parcel>) {});
  };
  for (int round = 0; round < 20; ++round) cluster.inside(0, ask_ten);
  const auto link = cluster[1].pool->in_service(cluster[0].id());
  REQUIRE(link != nullptr);
  CHECK(link->queued() > 1 << 19);
  CHECK(link->queued() <= 1 << 20);
  CHECK(read == 10);  // the round that reached half of it, and no later one
}

TEST_CASE("link: answers beyond what may wait for a link are refused, though all the questions were read before") {
  constexpr std::size_t kAnswerBytes = 50'000, kQuestions = 200;
  NetCluster cluster(2, 1, {.queue_bytes_max = 1 << 20, .keep_alive = 1h});
  std::vector<Reply<Parcel>> asked;
  cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Parcel>([&](Number::Reader, Reply<Parcel> reply) {
      asked.push_back(std::move(reply));
      if (asked.size() < kQuestions) return;
      for (Reply<Parcel>& one : asked) one.send([](Parcel::Builder parcel) { parcel.initData(kAnswerBytes); });
      asked.clear();
    });
  });
  Handle remote;
  cluster.inside(0, [&](Scripted& self) { remote = self.node().remote(cluster[1].id(), "/count"); });
  cluster.fabric->cut(cluster[1].ports.address(), cluster[0].ports.address());
  std::size_t whole = 0, refused = 0;
  cluster.inside(0, [&](Scripted& self) {
    for (std::size_t i = 0; i < kQuestions; ++i)
      self.ask<Number, Parcel>(remote, base::Instant::max(), number(1), [&](const Answer<Parcel>& answer) {
        if (answer.ok()) ++whole;
        else if (answer.error().code == Code::overloaded) ++refused;
      });
  });
  const auto link = cluster[1].pool->in_service(cluster[0].id());
  REQUIRE(link != nullptr);
  CHECK(link->queued() > 1'000'000);
  CHECK(link->queued() <= (1 << 20) + kQuestions * 400);  // and the refusals
  CHECK(link->buffered.load() >= link->queued());
  cluster.fabric->heal_all();
  cluster.stage.run_for(10s);
  CHECK(whole == (1 << 20) / (kAnswerBytes + 200));
  CHECK(whole + refused == kQuestions);
}

TEST_CASE("link: items without credit end it") {
  NetCluster cluster(2);
  Intake<Parcel, Number> intake;
  cluster.serve<Order, Parcel>(1, "shop", [&](Scripted&, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
      intake = std::move(opened);
      intake.pause();
      intake.on_item([](Parcel::Reader) {});
    });
  });
  Liar liar(cluster);
  const auto frames = [&] { return cluster[1].pool->counters().of(net::Turned::frames); };
  SUBCASE("one more than granted") {
    const auto item = Envelope::build<Parcel>({.signal = Signal::item}, [](auto) {});
    for (std::uint64_t sent = 0; sent < runtime::kStreamWindow.items; ++sent) liar.say(item);
    CHECK(frames() == 0);
    liar.say(item);
  }
  SUBCASE("any when the bytes are used up") {
    const auto large = Envelope::build<Parcel>({.signal = Signal::item}, [](auto out) { out.initData(1 << 20); });
    for (std::uint64_t sent = 0; sent < runtime::kStreamWindow.bytes; sent += large.bytes().size()) liar.say(large);
    CHECK(frames() == 0);
    liar.say(large);
  }
  SUBCASE("any after the end") {
    liar.say(Envelope::bare({.signal = Signal::end}));
    CHECK(frames() == 0);
    liar.say(Envelope::build<Parcel>({.signal = Signal::item}, [](auto) {}));
  }
  CHECK(frames() == 1);
  CHECK(cluster[1].pool->rows().empty());
  CHECK(cluster[0].pool->rows().empty());
}

TEST_CASE("link: answers without a question are dropped, and many of them end it") {
  NetCluster cluster(1);
  std::size_t answers = 4;  // both sides may end a stream at once, and each for two reasons
  bool ends = false;
  SUBCASE("as many as may cross the end of a stream") {}
  SUBCASE("one more") { answers = 5, ends = true; }
  base::Bytes said;
  const auto none = Envelope::build<Number>({}, [](auto) {});
  for (std::size_t i = 0; i < answers; ++i)
    net::write_frame(said,
                     {.type = net::FrameType::answer,
                      .lane = messages::Lane::normal,
                      .correlation = 2 * (i + 1),  // the acceptor's are even
                      .kind = none.header().kind->id},
                     {}, none.bytes());
  Visitor::Seen seen;
  cluster[0].node.start("stranger", [&] {
    return std::make_unique<Visitor>(
        Visitor::at_socket(NetCluster::kControl), seen,
        [said](ports::Stream& stream) mutable { return said.empty() ? 0 : stream.write(std::exchange(said, {})); });
  });
  cluster.stage.run_for(1s);
  CHECK(cluster[0].node.dead_letters(DeadLetter::late_answer) == 4);
  CHECK(seen.closed == ends);
  CHECK(cluster[0].pool->counters().of(net::Turned::frames) == ends);
}

TEST_CASE("link: credit beyond one with the question and one for each item ends it") {
  NetCluster cluster(2);
  std::uint64_t pushed = 0;
  Sink<Parcel> out;
  cluster.serve<Order, Latest>(1, "shop", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, Sink<Parcel> sink) {
      out = std::move(sink);
      out.on_ready([&] {
        out.push([](auto) {});
        ++pushed;
      });
    });
  });
  Liar liar(cluster);
  const Envelope credit = Envelope::bare({.signal = Signal::credit, .credit_items = 1, .credit_bytes = 1 << 20});
  for (int answered = 0; answered < 100; ++answered) liar.say(credit);
  CHECK(pushed == 100);
  CHECK(cluster[1].pool->counters().of(net::Turned::frames) == 0);
  out.on_ready([] {});
  for (int unanswered = 0; unanswered < 3; ++unanswered) liar.say(credit);
  CHECK(cluster[1].pool->counters().of(net::Turned::frames) == 1);
  CHECK(cluster[1].pool->rows().empty());
}

TEST_CASE("link: as many questions wait on it as may, without a deadline too, and its end answers them") {
  NetCluster cluster(2, 1, {.asks_max = 3});
  std::vector<Reply<Number>> kept;
  const Handle keeping = cluster.serve<Number>(1, "count", keeper(kept));
  std::array<Outcome, 5> outcomes;
  cluster.inside(
      0,
      [&](Scripted& self) {
        const Handle remote = self.node().remote(cluster[1].id(), "/count");
        for (Outcome& outcome : outcomes)
          self.ask<Number, Number>(remote, base::Instant::max(), number(1), outcome.note());
      },
      1h);
  for (std::size_t i = 0; i < outcomes.size(); ++i) CHECK(outcomes[i].calls == (i < 3 ? 0 : 1));
  CHECK(outcomes[4].code == Code::overloaded);
  const auto link = cluster[0].pool->in_service(cluster[1].id());
  REQUIRE(link != nullptr);
  CHECK(link->waiting() == 3);
  cluster.fabric->reset(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.stage.run_for(1s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(outcomes[i].code == Code::unavailable);
  CHECK(link->waiting() == 0);
  cluster.inside(1, [&](Scripted& self) { self.tell<Latest>(keeping, number(0)); });
}

TEST_CASE("link: a connection to the control socket that says nothing is closed when a handshake would be") {
  NetCluster cluster(1);
  SUBCASE("a stranger that is silent") {
    Visitor::Seen seen;
    cluster[0].node.start("stranger",
                          [&] { return std::make_unique<Visitor>(Visitor::at_socket(NetCluster::kControl), seen); });
    cluster.stage.run_for(4s);
    CHECK(seen.closed == 0);
    cluster.stage.run_for(2s);
    CHECK(seen.closed == 1);
    CHECK(cluster[0].pool->counters().of(net::Turned::handshake_timeout) == 1);
    CHECK(cluster.fabric->streams() == 0);
  }
  SUBCASE("but not one of ours that has nothing to ask yet") {
    const auto link = cluster[0].pool->dial_local(NetCluster::kControl);
    cluster.stage.run_for(10min);
    CHECK_FALSE(link->closed());
    net::hang_up(*link);
    cluster.stage.run_for(10s);
    CHECK(cluster[0].pool->rows().empty());
  }
}

namespace {

constexpr std::size_t kParcelBytes = 500'000;

void serve_parcels(NetCluster& cluster, std::size_t member) {
  cluster.serve<Number>(member, "count", [](Scripted&, Handlers& on) {
    on.ask<Number, Parcel>([](Number::Reader, Reply<Parcel> reply) {
      reply.send([](Parcel::Builder parcel) { parcel.initData(kParcelBytes); });
    });
  });
}

void ask_parcels(NetCluster& cluster, std::size_t from, std::size_t to, int count) {
  cluster.inside(from, [&](Scripted& self) {
    const Handle remote = self.node().remote(cluster[to].id(), "/count");
    for (int i = 0; i < count; ++i)
      self.ask<Number, Parcel>(remote, base::Instant::max(), number(1), [](Answer<Parcel>) {});
  });
}

}  // namespace

TEST_CASE("link: a peer that takes less than 64 KiB in a keep-alive period while more waits loses its link") {
  NetCluster cluster(2);
  serve_parcels(cluster, 1);
  ask_parcels(cluster, 0, 1, 1);
  const auto way = [&](std::uint64_t bytes_per_second) {
    cluster.fabric->narrow(cluster[1].ports.address(), cluster[0].ports.address(), bytes_per_second);
    ask_parcels(cluster, 0, 1, 8);
    cluster.stage.run_for(2min);
  };
  SUBCASE("a few bytes now and then are not enough") {
    way(2'000);
    CHECK(cluster[1].pool->in_service(cluster[0].id()) == nullptr);
    CHECK(cluster[1].pool->counters().of(net::Turned::too_slow) == 1);
  }
  SUBCASE("a slow line is no fault") {
    way(20'000);
    CHECK(cluster[1].pool->in_service(cluster[0].id()) != nullptr);
    CHECK(cluster[1].pool->counters().of(net::Turned::too_slow) == 0);
  }
}

TEST_CASE("link: when too much waits on all links together, the one with most of it makes room") {
  NetCluster cluster(3, 1, {.buffer_bytes_max = 4u << 20});
  serve_parcels(cluster, 0);
  for (const std::size_t reader : {1, 2}) {
    ask_parcels(cluster, reader, 0, 1);
    cluster.fabric->cut(cluster[0].ports.address(), cluster[reader].ports.address());
  }
  ask_parcels(cluster, 2, 0, 2);
  ask_parcels(cluster, 1, 0, 9);
  CHECK(cluster[0].pool->in_service(cluster[1].id()) == nullptr);
  CHECK(cluster[0].pool->in_service(cluster[2].id()) != nullptr);
  CHECK(cluster[0].pool->counters().of(net::Turned::no_buffer) == 1);
}

TEST_CASE("link: connections that are silent make room for others, the oldest first") {
  NetCluster cluster(2, 1, {.links_per_address_max = 100, .handshakes_per_address_max = 100, .handshakes_max = 8});
  std::array<Visitor::Seen, 9> seen;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    cluster[0].node.start("stranger-" + std::to_string(i),
                          [&, i] { return std::make_unique<Visitor>(Visitor::at(*cluster[1].address), seen[i]); });
    cluster.stage.run_for(100ms);
  }
  CHECK(seen.front().closed == 1);
  CHECK(seen.back().closed == 0);
  CHECK(cluster[1].pool->counters().of(net::Turned::made_room) >= 1);
  CHECK(cluster[1].pool->dial(*base::HostPort::parse(cluster[0].address->text())) != nullptr);
  Outcome outcome;
  cluster.serve<Number>(1, "count", successor);
  cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 5s, number(1), outcome.note());
  });
  CHECK(outcome.value == 2);
}

namespace {

/// Asks `/shop` of the first member from another member, and may cancel what it has asked.
class Fickle {
 public:
  Fickle(NetCluster& cluster, std::size_t from)
      : mouthpiece_(caf::make_actor<Mouthpiece, caf::strong_actor_ptr>(1, caf::node_id{}, &cluster.stage.system(),
                                                                       config_, heard_)),
        cluster_(cluster) {
    cluster.inside(from, [&](Scripted& self) { shop_ = self.node().remote(cluster[0].id(), "/shop"); });
  }
  void ask(std::size_t bytes) {
    ++asked_;
    say(Envelope::build<Parcel>({.signal = Signal::open},
                                [&](Parcel::Builder out) { out.initData(static_cast<unsigned>(bytes)); }));
  }
  void grant() { say(Envelope::bare({.signal = Signal::credit, .credit_items = 1, .credit_bytes = 1})); }
  void cancel() { say(Envelope::bare({.signal = Signal::cancel})); }
  std::size_t refused() const {
    return static_cast<std::size_t>(std::ranges::count_if(*heard_, [](const Envelope& one) {
      return one.header().signal == Signal::error && runtime::read_error(one).code == Code::overloaded;
    }));
  }
  std::size_t answered() const { return heard_->size() - refused(); }

 private:
  void say(const Envelope& envelope) {
    shop_->enqueue(caf::make_mailbox_element(mouthpiece_, caf::make_message_id(asked_), {}, envelope), nullptr);
    cluster_.stage.run_for(100ms);
  }
  const Mouthpiece::Heard heard_ = std::make_shared<std::vector<Envelope>>();
  caf::actor_config config_;
  caf::strong_actor_ptr mouthpiece_;
  NetCluster& cluster_;
  Handle shop_;
  std::uint64_t asked_ = 0;
};

}  // namespace

TEST_CASE("link: a question keeps its place and its bytes until its service is done with it, cancelled or not") {
  NetCluster cluster(3, 1, {.questions_in_flight_max = 8, .buffer_bytes_max = 4u << 20});
  std::vector<Reply<Number>> kept;
  bool keeps = false;
  const Handle shop = cluster.serve<Parcel>(0, "shop", [&](Scripted&, Handlers& on) {
    on.ask<Parcel, Number>([&](Parcel::Reader, Reply<Number> reply) {
      if (keeps) kept.push_back(std::move(reply));
      else reply.send(number(1));
    });
  });
  const auto pause = [&](bool paused) {
    cluster.inside(0, [&](Scripted& self) {
      if (paused) self.tell<runtime::wire::Hold>(shop, [](auto out) { out.setMilliseconds(3'600'000); });
      else self.tell<runtime::wire::Unhold>(shop, [](auto) {});
    });
  };
  std::size_t bytes = 8, fit = 8;
  bool streams = false;
  Fickle asker(cluster, 1), neighbour(cluster, 2);
  std::optional<Fickle> again;
  const auto ask_and_cancel = [&](Fickle& from) {
    for (int i = 0; i < 20; ++i) {
      from.ask(bytes);
      if (streams) from.grant();
      from.cancel();
    }
  };

  SUBCASE("places, while the questions wait in the mailbox") {
    SUBCASE("of answers") {}
    SUBCASE("of streams") { streams = true; }
    pause(true);
    ask_and_cancel(asker);
    CHECK(asker.refused() == 20 - fit);
  }
  SUBCASE("places, while the service owes the answers") {
    keeps = true;
    ask_and_cancel(asker);
    CHECK(asker.refused() == 20 - fit);
    CHECK(kept.size() == fit);
    keeps = false;
    for (auto& reply : kept) reply.send(number(2));
    kept.clear();
    cluster.stage.run_for(1s);
  }
  SUBCASE("bytes, of which a site has a quarter once half of them are used") {
    bytes = 500'000, fit = 2;
    pause(true);
    ask_and_cancel(asker);
    CHECK(asker.refused() == 20 - fit);
    neighbour.ask(bytes);
    CHECK(neighbour.refused() == 1);
    SUBCASE("also when the link has ended meanwhile") {
      cluster.fabric->reset(cluster[1].ports.address(), cluster[0].ports.address());
      cluster.stage.run_for(1s);
      CHECK(cluster[0].pool->in_service(cluster[1].id()) == nullptr);
      again.emplace(cluster, 1);
      ask_and_cancel(*again);
      CHECK(again->refused() == 20);
    }
    SUBCASE("and a small question still comes through") {
      neighbour.ask(8);
      CHECK(neighbour.refused() == 1);
    }
  }
  pause(false);
  CHECK(asker.answered() == 0);  // it has cancelled them
  Fickle later(cluster, 1);
  for (int i = 0; i < 20; ++i) later.ask(bytes);
  CHECK(later.answered() == 20);
  CHECK(later.refused() == 0);
}

TEST_CASE("link: a large answer counts until its asker is done with it, and one that finds no room is not known") {
  NetCluster cluster(2, 1, {.buffer_bytes_max = 4u << 20});
  cluster.serve<Number>(1, "shop", [](Scripted&, Handlers& on) {
    on.ask<Number, Parcel>(
        [](Number::Reader, Reply<Parcel> reply) { reply.send([](Parcel::Builder out) { out.initData(500'000); }); });
  });
  std::vector<Envelope> kept;
  std::size_t refused = 0;
  const auto ask = [&] {
    cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Parcel>(self.node().remote(cluster[1].id(), "/shop"), self.now() + 30s, number(1),
                               [&](const runtime::Answer<Parcel>& answer) {
                                 if (answer.ok()) kept.push_back(answer.envelope());
                                 else refused += answer.error().code == Code::unknown_outcome;
                               });
    });
  };
  for (int i = 0; i < 10; ++i) ask();
  CHECK(kept.size() == 2);  // half of it; a site has a quarter from there on
  CHECK(refused == 8);
  const auto link = cluster[0].pool->in_service(cluster[1].id());
  REQUIRE(link != nullptr);
  CHECK(link->served->bytes() > 2 * 500'000);
  kept.clear();
  CHECK(link->served->bytes() == 0);
  ask();
  CHECK(kept.size() == 1);
}
