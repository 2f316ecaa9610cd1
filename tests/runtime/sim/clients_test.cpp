// Clients of a workload: what they ask, how each ends, and what is left under way.
#include "runtime/sim/clients.hpp"

#include <doctest/doctest.h>

#include "messages/bench.capnp.h"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/sim/nodes_fixture.hpp"

using namespace std::chrono_literals;
using troupe::base::Code;
using troupe::bench::wire::Number;
using troupe::bench::wire::Order;
using troupe::bench::wire::Parcel;
using troupe::runtime::Sink;
using troupe::test::NodesFixture;
namespace base = troupe::base;
namespace runtime = troupe::runtime;
namespace sim = troupe::sim;

namespace {

struct Adder : sim::Client {
  std::uint64_t sum = 0;
  int ended = 0;
  std::optional<Code> error;
};

class Adders final : public sim::Clients<Adder> {
 public:
  using Clients::begun;
  using Clients::Clients;

  Adder& add(std::size_t node, std::uint64_t value) {
    Adder& client = begin(node, "an addition");
    ask<Number, Number>(client, "/adder", 5s, troupe::test::number(value),
                        [this, &client](const Error& error, Number::Reader sum) {
                          ended(client, error);
                          client.sum = sum.getValue();
                          if (client.sum == 13) violated("luck", client, "gave thirteen");
                        });
    return client;
  }
  Adder& count(std::size_t node) {
    Adder& client = begin(node, "a count");
    subscribe<Order, Parcel>(
        client, "/counter", 5s, [](Order::Builder) {}, [&client](Parcel::Reader) { ++client.sum; },
        [this, &client](const Error& error) { ended(client, error); });
    return client;
  }

 private:
  void ended(Adder& client, const Error& error) {
    ++client.ended;
    if (error) client.error = error->code;
  }
};

struct ClientsWorld {
  explicit ClientsWorld(std::size_t count = 2) : nodes(count) { nodes.start("adder", troupe::test::successor); }
  ~ClientsWorld() { nodes.close(); }
  NodesFixture nodes;
  Adders clients{nodes};
};

}  // namespace

TEST_CASE("sim clients: an answer ends its client, and is acknowledged if an operation of the scenario asked for it") {
  ClientsWorld world;
  Adder* counted = nullptr;
  world.clients.by_operation([&] { counted = &world.clients.add(0, 1); });
  const Adder& other = world.clients.add(1, 2);
  CHECK(world.clients.under_way() ==
        std::vector<std::string>{"an addition at n1 has not ended", "an addition at n2 has not ended"});
  world.nodes.stage.run_for(1s);
  CHECK(counted->over);
  CHECK(counted->sum == 2);
  CHECK(other.sum == 3);
  CHECK(other.asked_at > base::WallTime());
  CHECK(world.nodes.acknowledged_count == 1);
  CHECK(world.clients.under_way().empty());
  CHECK(world.nodes.told.empty());
}

TEST_CASE("sim clients: an error ends a client too, is told, and acknowledges nothing") {
  ClientsWorld world;
  Adder* client = nullptr;
  world.clients.by_operation([&] { client = &world.clients.count(0); });  // no actor has that path
  world.nodes.stage.run_for(10s);
  CHECK(client->over);
  CHECK(client->ended == 1);
  CHECK(client->error == Code::unavailable);
  CHECK(world.nodes.acknowledged_count == 0);
  REQUIRE(world.nodes.told.size() == 1);
  CHECK(world.nodes.told.front().starts_with("a count at n1 ended with unavailable: "));
}

TEST_CASE("sim clients: a stream gives its items, and its end ends the client") {
  ClientsWorld world;
  std::vector<Sink<Parcel>> sinks;
  world.nodes.start("counter", [&](troupe::test::Scripted&, runtime::Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, Sink<Parcel> sink) {
      sink.push([](Parcel::Builder) {});
      sinks.push_back(std::move(sink));
    });
  });
  const Adder& client = world.clients.count(0);
  world.nodes.stage.run_for(1s);
  CHECK(client.sum == 1);
  CHECK_FALSE(client.over);
  sinks.front().push([](Parcel::Builder) {});
  sinks.front().end();
  world.nodes.stage.run_for(1s);
  CHECK(client.sum == 2);
  CHECK(client.over);
  CHECK(client.ended == 1);
  CHECK_FALSE(client.error.has_value());
  sinks.clear();
}

TEST_CASE("sim clients: the death of a node ends its clients without an answer, and no other's") {
  ClientsWorld world;
  const Adder& gone = world.clients.add(0, 1);
  const Adder& other = world.clients.add(1, 1);
  std::vector<const Adder*> cut_off;
  world.nodes.kill(0);
  world.clients.died(0, [&](Adder& client) { cut_off.push_back(&client); });
  world.nodes.stage.run_for(10s);
  CHECK(gone.over);
  CHECK(gone.ended == 0);
  CHECK(other.sum == 2);
  CHECK(cut_off == std::vector<const Adder*>{&gone});
  world.clients.died(0, [&](Adder& client) { cut_off.push_back(&client); });
  CHECK(cut_off.size() == 1);
  CHECK(world.clients.begun() == 2);
}

TEST_CASE("sim clients: a violated invariant is told with the client and its node") {
  ClientsWorld world;
  world.clients.add(1, 12);
  world.nodes.stage.run_for(1s);
  CHECK(world.nodes.violations == std::vector<std::string>{"luck: an addition at n2 gave thirteen"});
}
