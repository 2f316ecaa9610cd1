// What strangers ask of a durable actor does not keep those of its node waiting.
#include <doctest/doctest.h>

#include "actors/durable/api.hpp"
#include "messages/raft.capnp.h"
#include "messages/store.capnp.h"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Number;

namespace {

/// Its child gives no answer until it is told to.
class Counting final : public durable::Home {
 public:
  Counting(const std::shared_ptr<net::Pool>& pool, const durable::Place& place)
      : Home(place, pool, "/count", "child") {}
  using Home::gateway;
  void receive(runtime::Handlers& on) override { receive_home(on); }
  std::vector<runtime::Reply<Number>> waiting;
  runtime::Caller from;  // of the last one

 private:
  void publish() override { node().publish<Number>("/count", self()); }
  runtime::Handle begin_child(const std::string& name) override {
    return spawn(name, script([this](Scripted& self, runtime::Handlers& on) {
                   on.ask<Number, Number>([this, &self](auto, runtime::Reply<Number> reply) {
                     waiting.push_back(std::move(reply));
                     from = self.caller();
                   });
                 }),
                 {});
  }
  std::optional<base::Error> refusal(const runtime::Envelope&) override { return std::nullopt; }
};

template <class Node>
void start(Node& at, Counting*& home, const durable::Place& place = {.kind = durable::Place::Kind::self}) {
  at.node.start("count", [&, place] {
    auto out = std::make_unique<Counting>(at.pool, place);
    home = out.get();
    return out;
  });
}

/// One question of that node; `refused`: what it was answered, unless it waits.
void ask_one(NetCluster& cluster, std::size_t from, std::optional<base::Error>& refused, base::Duration length = 1s) {
  refused.reset();
  const auto ask = [&](Scripted& self) {
    const auto service = from == 0 ? self.node().find("/count") : self.node().remote(cluster[0].id(), "/count");
    self.ask<Number, Number>(service, self.now() + 50s, number(1), [&](const runtime::Answer<Number>& answer) {
      if (!answer.ok()) refused = answer.error();
    });
  };
  cluster.inside(from, ask, length);
}

}  // namespace

TEST_CASE("durable home: strangers have shares of the questions that are under way, and the node has the rest") {
  NetCluster cluster(2);
  Counting* home = nullptr;
  start(cluster[0], home);
  std::size_t refused = 0, answered = 0;
  const auto ask = [&](Scripted& self, const runtime::Handle& service, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      self.ask<Number, Number>(service, self.now() + 50s, number(i), [&](const runtime::Answer<Number>& answer) {
        if (answer.ok()) ++answered;
        else refused += answer.error().code == Code::overloaded;
      });
  };
  constexpr std::size_t kAll = durable::Home::kAskedMax;
  for (int i = 0; i < 4; ++i)
    cluster.inside(1, [&](Scripted& self) { ask(self, self.node().remote(cluster[0].id(), "/count"), kAll / 2); });
  REQUIRE(home != nullptr);
  CHECK(home->waiting.size() < kAll);
  CHECK(home->waiting.size() + refused == 2 * kAll);
  CHECK(home->from.node == cluster[1].id());  // as the child sees it
  CHECK(home->from.at);
  const std::size_t of_strangers = home->waiting.size();
  cluster.inside(0, [&](Scripted& self) { ask(self, self.node().find("/count"), 10); });
  CHECK(home->from.role == messages::Role::inside);
  CHECK(home->waiting.size() == of_strangers + 10);

  // What is answered makes room.
  for (auto& reply : home->waiting) reply.send(number(1));
  home->waiting.clear();
  cluster.stage.run_for(1s);
  CHECK(answered == of_strangers + 10);
  cluster.inside(1, [&](Scripted& self) { ask(self, self.node().remote(cluster[0].id(), "/count"), 5); });
  CHECK(home->waiting.size() == 5);
  home->waiting.clear();
}

TEST_CASE("durable home: what strangers ask to be changed leaves a part of the device free") {
  std::uint64_t free = durable::Room::kLeft;
  std::optional<base::Error> refused;
  NetCluster cluster(2);
  Counting* home = nullptr;
  start(cluster[0], home);
  cluster[0].node.start("store", script([&](Scripted&, runtime::Handlers& on) {
                          on.ask<store::wire::Usage, store::wire::Used>([&](auto, auto reply) {
                            reply.send([&](store::wire::Used::Builder out) { out.setFreeBytes(free); });
                          });
                        }));
  const auto ask = [&](std::size_t from) {
    ask_one(cluster, from, refused);
    return home->waiting.size();
  };
  CHECK(ask(1) == 1);
  CHECK(ask(1) == 2);  // as much as has to be left is free
  --free;
  cluster.stage.run_for(durable::Room::kLookEvery);
  CHECK(ask(1) == 3);  // what comes before the look has an answer is judged by the look before
  CHECK(ask(1) == 3);
  REQUIRE(refused);
  CHECK(refused->code == Code::no_space);
  CHECK(ask(0) == 4);
  free = durable::Room::kLeft;
  CHECK(ask(1) == 4);
  CHECK(ask(1) == 5);
  home->waiting.clear();
}

TEST_CASE("durable home: in a group what others have written into the rows has a rate, and the rows have a limit") {
  constexpr std::uint64_t kMax = 64 << 20, kDay = kMax / durable::Room::kRowsPart;
  std::uint64_t rows = 0, of_others = 0;
  std::optional<base::Error> refused;
  NetCluster cluster(2);
  Counting* home = nullptr;
  // The seat is held at once, and the rows are the group's.
  start(cluster[0], home, {.kind = durable::Place::Kind::self, .group = "g"});
  const auto group = script([&](Scripted&, runtime::Handlers& on) {
    on.ask<raft::wire::GetGroup, raft::wire::GroupStatus>([&](auto, auto reply) {
      reply.send([&](raft::wire::GroupStatus::Builder out) {
        out.setRowBytes(rows + of_others);
        out.setRowsMax(kMax);
        auto kinds = out.initKinds(2);
        kinds[0].setKind("count");
        kinds[0].setBytes(rows);
        kinds[1].setKind("another");
        kinds[1].setBytes(of_others);
      });
    });
  });
  // The child of a root stands beside it.
  cluster[0].node.start("node", script({}, [&group](Scripted& self) {
                          self.spawn("raft", script({}, [&group](Scripted& raft) { raft.spawn("g", group, {}); }), {});
                        }));
  const auto ask = [&](std::size_t from, std::optional<std::uint64_t> writes) {
    ask_one(cluster, from, refused, 100ms);
    const bool taken = !home->waiting.empty();
    for (auto& reply : std::exchange(home->waiting, {})) {
      if (writes) reply.send(number(1));
      else reply.refuse({Code::refused, "it was judged, and wrote nothing"});
      rows += writes.value_or(0);
    }
    return taken;
  };
  CHECK(ask(1, 0));
  cluster.stage.run_for(1s);
  const std::uint64_t guess =
      durable::Room::kRowsOfOrder * runtime::Envelope::build<Number>({}, number(1)).bytes().size();
  // What is refused, or changes nothing, or was written by others counts for no one.
  for (std::uint64_t i = 0; i < kDay / guess; ++i) {
    REQUIRE(ask(1, i % 2 == 0 ? std::optional<std::uint64_t>(0) : std::nullopt));
    of_others += 1'000;
  }
  const std::uint64_t each = 2 * guess;  // more than that is what no order has written
  std::uint64_t written = 0;
  while (ask(1, each)) REQUIRE((written += each) < kDay);
  REQUIRE(refused);
  CHECK(refused->code == Code::overloaded);
  CHECK(written > kDay / 3);  // half of it until shares bind
  CHECK(ask(0, each));

  rows = kMax;
  cluster.stage.run_for(24h);
  ask(1, 0);  // looks
  CHECK_FALSE(ask(1, 0));
  REQUIRE(refused);
  CHECK(refused->code == Code::no_space);
  CHECK(ask(0, 0));
}

// It was shown as it came, larger than a state may be: then each look at the actor ended it.
TEST_CASE("durable home: of what the book's node says as long as it cannot, a state shows a part that fits") {
  constexpr std::size_t kRoom = 256;
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", [](Scripted&, runtime::Handlers& on) {
    on.ask<Number, Number>([](auto, auto reply) { reply.refuse({Code::unavailable, std::string(1'000, 'x')}); });
  });
  Counting* home = nullptr;
  start(cluster[0], home, {.kind = durable::Place::Kind::node, .node = cluster[1].id()});
  std::optional<base::Error> refused;
  cluster.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().find("/count"), self.now() + 1s, number(1),
                                 [&](const runtime::Answer<Number>& answer) {
                                   if (!answer.ok()) refused = answer.error();
                                 });
      },
      3s);
  REQUIRE(refused);
  CHECK(refused->code == Code::unavailable);
  CHECK(home->gateway().why().starts_with("xxx"));
  CHECK(home->gateway().why().size() <= kRoom);
}
