// What the simulation of the DHT is made of, without a world: its operations, its ledger, its clients, its liars.
#include "actors/dht/sim.hpp"

#include <doctest/doctest.h>

#include <set>

#include "actors/dht/api.hpp"
#include "actors/dht/sim_clients.hpp"
#include "actors/dht/sim_draw.hpp"
#include "actors/dht/sim_liar.hpp"
#include "actors/dht/sim_survey.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"
#include "tests/runtime/sim/in_spec.hpp"
#include "tests/runtime/sim/nodes_fixture.hpp"

namespace troupe::dht {
namespace {

using namespace std::chrono_literals;
using runtime::Reply;
using runtime::Sink;
using troupe::test::NodesFixture;
using troupe::test::Scripted;

// -- operations ------------------------------------------------------------------------------------------------------

TEST_CASE("dht sim: each operation drawn is in the spec, at a node and a moment of the world") {
  for (const unsigned load : {0u, 50u, 100u}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      base::Random random(seed);
      const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, 0, load};
      const auto operations = workload().draw(random, shape);
      const auto lies = std::ranges::count(operations, "dht.lie", &sim::Operation::what);
      CHECK(operations.size() - static_cast<std::size_t>(lies) >= kOperationsPerMinuteMin);
      CHECK(operations.size() - static_cast<std::size_t>(lies) <= kOperationsPerMinuteMax);
      CHECK(lies <= shape.nodes / kLiarNodesMin);
      for (const sim::Operation& operation : operations) {
        CHECK_MESSAGE(troupe::test::in_spec(operation, workload(), shape), operation.what);
        if (operation.what == "dht.lie") CHECK(operation.at <= shape.time / 2);
      }
    }
  }
}

TEST_CASE("dht sim: the same seed draws the same operations, another one others") {
  const auto draw = [](std::uint64_t seed) {
    base::Random random(seed);
    return workload().draw(random, {5, 60s, 0, 50});
  };
  CHECK(draw(7) == draw(7));
  CHECK(draw(7) != draw(8));
}

TEST_CASE("dht sim: what is read of a node was written before, and values are written again") {
  base::Random random(3);
  auto operations = workload().draw(random, {5, 60s, 0, 100});
  std::ranges::stable_sort(operations, {}, &sim::Operation::at);
  std::set<std::int64_t> contents;
  int read = 0, unknown = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, int> writes;  // by node and name
  for (const sim::Operation& operation : operations) {
    if (operation.what == "dht.put") contents.insert(operation.number("content"));
    if (operation.what == "dht.set") ++writes[{operation.node, operation.number("name")}];
    if (operation.what == "dht.get") {
      ++read;
      unknown += contents.contains(operation.number("content")) ? 0 : 1;
    }
    if (operation.what == "dht.read" || operation.what == "dht.listen")
      CHECK(writes.contains({operation.number("owner"), operation.number("name")}));
  }
  CHECK(contents.size() > 5);
  CHECK(unknown * 2 < read);  // some contents are sought that were never put
  CHECK(std::ranges::any_of(writes, [](const auto& one) { return one.second > 1; }));
}

// -- the ledger ------------------------------------------------------------------------------------------------------

TEST_CASE("dht sim: the ledger gives a content one key, by number and size, and all empty ones the same") {
  SimLedger ledger;
  SimSpot& spot = ledger.content(3, 100);
  CHECK(spot.name == "cid-3");
  CHECK(spot.key == key_of_value(sim_value(3, 100)));
  REQUIRE(spot.writes.size() == 1);
  CHECK(spot.find(sim_value(3, 100)) == &spot.writes.front());
  CHECK(spot.find(sim_value(4, 100)) == nullptr);
  CHECK(&ledger.content(3, 100) == &spot);
  CHECK(&ledger.content(3, 101) != &spot);
  CHECK(&ledger.content(4, 100) != &spot);
  CHECK(&ledger.content(1, 0) == &ledger.content(2, 0));
  CHECK(ledger.spots().size() == 4);
}

TEST_CASE("dht sim: the ledger keeps names of one owner apart, and writes no value twice") {
  SimLedger ledger;
  base::NodeId one, other;
  other.bytes[0] = 1;
  SimSpot& spot = ledger.named(one, "n1", 2);
  CHECK(spot.name == "name-2 of n1");
  CHECK_FALSE(spot.key.has_value());
  CHECK(&ledger.named(one, "n1", 2) == &spot);
  CHECK(&ledger.named(one, "n1", 3) != &spot);
  CHECK(&ledger.named(other, "n2", 2) != &spot);
  std::set<base::Bytes> values;
  for (int i = 0; i < 20; ++i) values.insert(ledger.fresh_value(spot, 0));
  CHECK(values.size() == 20);
  CHECK(ledger.fresh_value(spot, 400).size() == 400);
  CHECK(ledger.fresh_value(spot, kSimBytesMax + 1).size() == kValueBytesMax);
  CHECK(ledger.topic(1).key != ledger.topic(2).key);
  CHECK(&ledger.topic(1) == &ledger.topic(1));
}

// -- clients ---------------------------------------------------------------------------------------------------------

base::Contact sim_contact(std::uint8_t number) {
  base::Contact out;
  out.key.bytes[0] = number;
  out.endpoint = {sim::address_of(number), 4'000};
  return out;
}
base::NodeId sim_id(std::uint8_t number) { return crypto::node_id(sim_contact(number).key, sim_contact(number).nonce); }

void write_nodes(capnp::List<messages::wire::Contact>::Builder out, const std::vector<std::uint8_t>& numbers) {
  for (unsigned i = 0; i < out.size(); ++i) messages::write_contact(out[i], sim_contact(numbers[i]));
}

/// Two nodes whose `/dht` answers as a test says: then a client sees what a DHT with a bug would show.
struct SimWorld {
  explicit SimWorld(sim::Scenario its = {}) : scenario(std::move(its)), clients(nodes, ledger, scenario) {
    nodes.ids = {sim_id(1), sim_id(2)};
    nodes.start("dht", [this](Scripted&, runtime::Handlers& on) { answer(on); });
    nodes.start_at(kListenPath, [this](Scripted&, runtime::Handlers& on) {
      on.stream<wire::ListenTo, wire::Came>([this](wire::ListenTo::Reader, Sink<wire::Came> sink) {
        for (const auto& item : came) sink.push(item);
        sink.end();
      });
    });
  }
  ~SimWorld() { nodes.close(); }

  void answer(runtime::Handlers& on) {
    on.ask<wire::Put, wire::PutDone>([this](wire::Put::Reader, Reply<wire::PutDone> reply) { reply.send(put); });
    on.ask<wire::GetValue, wire::GotValue>(
        [this](wire::GetValue::Reader, Reply<wire::GotValue> reply) { reply.send(got); });
    on.ask<wire::FindNearest, wire::Nearest>([this](wire::FindNearest::Reader, Reply<wire::Nearest> reply) {
      reply.send([this](wire::Nearest::Builder out) {
        write_nodes(out.initSearch().initNearest(static_cast<unsigned>(nearest.size())), nearest);
      });
    });
    on.stream<wire::FindProviders, wire::FoundProviders>(
        [this](wire::FindProviders::Reader, Sink<wire::FoundProviders> sink) {
          sink.push([this](wire::FoundProviders::Builder out) {
            write_nodes(out.initProviders(static_cast<unsigned>(providers.size())), providers);
          });
          sink.end();
        });
    on.ask<wire::Search, wire::SearchResult>([](wire::Search::Reader, Reply<wire::SearchResult> reply) {
      reply.send([](wire::SearchResult::Builder out) { out.setStored(2); });
    });
    on.ask<wire::Store, wire::StoreDone>([](wire::Store::Reader, Reply<wire::StoreDone> reply) { reply.done(); });
    on.ask<wire::FindValue, wire::FoundValue>([this](wire::FindValue::Reader, Reply<wire::FoundValue> reply) {
      reply.send([this](wire::FoundValue::Builder out) {
        if (!held.empty()) out.setRecord(data_of(held));
      });
    });
    on.ask<wire::GetProviders, wire::Providers>([this](wire::GetProviders::Reader, Reply<wire::Providers> reply) {
      reply.send([this](wire::Providers::Builder out) {
        write_nodes(out.initProviders(static_cast<unsigned>(providers.size())), providers);
      });
    });
  }

  /// Writes a value of node 1 with that sequence, which both nodes acknowledge.
  const SimWrite& write(std::uint64_t sequence) {
    put = [sequence](wire::PutDone::Builder out) {
      out.setKey(data_of(Key().view()));
      out.setSequence(sequence);
      out.initSearch().setStored(2);
    };
    clients.set(0, 0, 10, 0s);
    nodes.stage.run_for(1s);
    return spot().writes.back();
  }
  SimSpot& spot() { return ledger.named(sim_id(1), "n1", 0); }
  auto value(const SimWrite& write, std::uint64_t sequence, std::int64_t expires = 4'000'000'000) {
    return [&write, sequence, expires](wire::GotValue::Builder out) {
      out.setValue(data_of(write.value));
      out.setSequence(sequence);
      out.setExpires(expires);
      write_nodes(out.initSearch().initNearest(2), {1, 2});
    };
  }
  /// What the clients say was violated by then: "valid"; empty if nothing was.
  std::string violated() {
    nodes.stage.run_for(1s);
    const std::string first = nodes.violations.empty() ? "" : nodes.violations.front();
    return first.substr(0, first.find(':'));
  }

  sim::Scenario scenario;
  NodesFixture nodes{2};
  SimLedger ledger;
  SimClients clients;
  std::function<void(wire::PutDone::Builder)> put = [](auto) {};
  std::function<void(wire::GotValue::Builder)> got = [](auto) {};
  std::vector<std::function<void(wire::Came::Builder)>> came;
  std::vector<std::uint8_t> nearest, providers;
  base::Bytes held;
};

TEST_CASE("dht sim: a client takes what was put, and finds a value that nobody put, or a foreign key, not valid") {
  SimWorld world;
  SimSpot& spot = world.ledger.content(1, 10);
  world.put = [&](wire::PutDone::Builder out) { out.setKey(data_of(spot.key->view())); };
  world.clients.by_operation([&] { world.clients.put(0, spot); });
  CHECK(world.violated() == "");
  CHECK(world.nodes.acknowledged_count == 1);
  SUBCASE("what was put") {
    world.got = world.value(spot.writes.front(), 0);
    bool found = false;
    world.clients.get(1, spot, 0, false, [&](const auto&, const SimSeen& seen) { found = seen.found; });
    CHECK(world.violated() == "");
    CHECK(found);
  }
  SUBCASE("another value") {
    world.got = [](wire::GotValue::Builder out) { out.setValue(data_of(base::Bytes(10))); };
    world.clients.get(1, spot, 0, false, {});
    CHECK(world.violated() == "valid");
  }
  SUBCASE("another key") {
    world.put = [](wire::PutDone::Builder out) { out.setKey(data_of(Key().view())); };
    world.clients.put(0, spot);
    CHECK(world.violated() == "valid");
  }
}

TEST_CASE("dht sim: a client knows the newest value of a node, its sequence, and when its time is over") {
  SimWorld world;
  const SimWrite& old = world.write(1);
  const SimWrite& newest = world.write(2);
  CHECK(newest.stored.nodes == 2);
  const auto get = [&](auto value) {
    world.got = value;
    world.clients.get(1, world.spot(), 0, false, {});
    return world.violated();
  };
  SUBCASE("the newest is right") { CHECK(get(world.value(newest, 2)) == ""); }
  SUBCASE("the newest with the sequence of another") { CHECK(get(world.value(newest, 3)) == "valid"); }
  SUBCASE("an older one that nearly all nodes have replaced") { CHECK(get(world.value(old, 1)) == "fresh"); }
  SUBCASE("one whose time was over when it was asked for") { CHECK(get(world.value(newest, 2, 1)) == "expired"); }
}

TEST_CASE("dht sim: nothing is expected of a node that has lost data, lied, or keeps records in memory alone") {
  SimWorld world;
  const SimWrite& old = world.write(1);
  world.write(2);
  CHECK(world.clients.excused_count() == 0);
  world.got = world.value(old, 1);
  SUBCASE("lost") {
    world.nodes.losers = {1};
    CHECK(world.clients.excused(1));
  }
  SUBCASE("lied") {
    world.clients.lie(1, 3);
    CHECK(world.clients.lies(1));
    CHECK(world.clients.excused(1));
  }
  CHECK(world.clients.excused_count() == 1);
  world.clients.get(0, world.spot(), 0, false, {});
  CHECK(world.violated() == "");
  CHECK(SimWorld({.knobs = {{"dht.store", "memory"}}}).clients.excused_count() == 2);
}

TEST_CASE("dht sim: a listener must hear of newer values alone") {
  SimWorld world;
  const SimWrite& first = world.write(1);
  const SimWrite& second = world.write(2);
  const auto item = [&](const SimWrite& write, std::uint64_t sequence) {
    return [&world, &write, sequence](wire::Came::Builder out) { world.value(write, sequence)(out.initValue()); };
  };
  SUBCASE("in order") {
    world.came = {item(first, 1), [](wire::Came::Builder out) { out.setNothing(); }, item(second, 2)};
    world.clients.listen(1, world.spot(), 10s);
    CHECK(world.violated() == "");
  }
  SUBCASE("an older one after a newer one") {
    world.came = {item(second, 2), item(first, 1)};
    world.clients.listen(1, world.spot(), 10s);
    CHECK(world.violated() == "order");
  }
  SUBCASE("the same twice") {
    world.came = {item(second, 2), item(second, 2)};
    world.clients.listen(1, world.spot(), 10s);
    CHECK(world.violated() == "order");
  }
  CHECK(world.clients.under_way().empty());
}

TEST_CASE("dht sim: only a node that has announced itself may be found as a provider") {
  SimWorld world;
  world.providers = {1};
  SimTopic& topic = world.ledger.topic(4);
  SUBCASE("announced") {
    world.clients.provide(0, topic);
    CHECK(world.violated() == "");
    CHECK(topic.announced.at(sim_id(1)).nodes == 2);
    SimSeen seen;
    world.clients.find(1, topic, [&](const auto&, const SimSeen& its) { seen = its; });
    CHECK(world.violated() == "");
    CHECK(seen.providers == std::set<base::NodeId>{sim_id(1)});
  }
  SUBCASE("not announced") {
    world.clients.find(1, topic, {});
    CHECK(world.violated() == "provided");
  }
}

TEST_CASE("dht sim: the nodes near a key are nodes of the world, each once, and not the asking one") {
  for (const auto& [nearest, violated] : std::map<std::vector<std::uint8_t>, std::string>{
           {{}, ""}, {{2}, ""}, {{9}, "strangers"}, {{2, 2}, "strangers"}, {{1}, "strangers"}}) {
    SimWorld world;
    world.nearest = nearest;
    world.clients.nearest(0, world.ledger.topic(1));
    CHECK(world.violated() == violated);
  }
}

TEST_CASE("dht sim: a store without a token must not be answered, but by a liar") {
  SimWorld world;
  SUBCASE("an honest node") {
    world.clients.push(1, 0);
    CHECK(world.violated() == "tokens");
  }
  SUBCASE("a liar") {
    world.clients.lie(0, 3);
    world.clients.push(1, 0);
    CHECK(world.violated() == "");
  }
  SUBCASE("to itself, or beyond the last node: no store at all") {
    world.clients.push(0, 0);
    world.clients.push(0, 2);
    CHECK(world.clients.under_way().empty());
  }
}

// -- the survey ------------------------------------------------------------------------------------------------------

TEST_CASE("dht sim: a survey asks each node for all that was put and announced") {
  SimWorld world;
  SimSpot& spot = world.ledger.content(1, 10);
  const Key key = world.ledger.topic(4).key;
  world.held = encode(CidRecord{spot.writes.front().value});
  world.providers = {2};
  SimSurvey survey(world.nodes, world.ledger);
  CHECK(survey.gaps().size() == 2);
  survey.begin();
  world.nodes.stage.run_for(1s);
  REQUIRE(survey.complete());
  CHECK(survey.gaps().empty());
  for (const auto& [node, report] : survey.reports()) {
    CHECK(report.records.at(spot.place()) == 0);
    CHECK(report.providers.at(key) == std::set<base::NodeId>{sim_id(2)});
  }
  world.nodes.close();
}

// -- liars -----------------------------------------------------------------------------------------------------------

struct LiarWorld {
  explicit LiarWorld(Lie how) {
    nodes.start_actor("liar", [how] { return std::make_unique<LiarActor>(how, std::uint16_t{1}); });
    nodes.stage.settle();
  }
  ~LiarWorld() { nodes.close(); }

  template <class Q, class A>
  bool ask(std::function<void(typename Q::Builder)> fill, std::function<void(typename A::Reader)> take) {
    bool answered = false;
    nodes.inside(0, [&](sim::Nodes::Inside& actor) {
      actor.ask<Q, A>(actor.node().service(kPath)->handle, actor.now() + 5s, fill, [&](runtime::Answer<A> answer) {
        answered = answer.ok();
        if (answered) take(answer.value());
      });
    });
    nodes.stage.run_for(10s);
    return answered;
  }
  std::vector<base::Contact> nodes_near(const Key& key) {
    std::vector<base::Contact> out;
    CHECK(ask<wire::FindNode, wire::Nodes>([&](wire::FindNode::Builder to) { to.setTarget(data_of(key.view())); },
                                           [&](wire::Nodes::Reader found) {
                                             for (const auto one : found.getContacts())
                                               out.push_back(messages::read_contact(one));
                                           }));
    return out;
  }
  bool store(const base::Bytes& value) {
    return ask<wire::Store, wire::StoreDone>(
        [&](wire::Store::Builder out) {
          out.setKey(data_of(key_of_value(value).view()));
          out.setRecord(data_of(encode(CidRecord{value})));
        },
        [](auto) {});
  }
  base::Bytes value_of(const Key& key) {
    base::Bytes out;
    CHECK(ask<wire::FindValue, wire::FoundValue>(
        [&](wire::FindValue::Builder question) { question.setKey(data_of(key.view())); },
        [&](wire::FoundValue::Reader found) {
          const auto record = bytes_of(found.getRecord());
          out.assign(record.begin(), record.end());
        }));
    return out;
  }
  NodesFixture nodes{1};
};

TEST_CASE("dht sim: a silent liar answers nothing") {
  LiarWorld world(Lie::silence);
  CHECK_FALSE(world.store({1, 2, 3}));
}

TEST_CASE("dht sim: a liar names nodes that do not exist, the nearest to the key that it has made up") {
  for (const Lie how : {Lie::contacts, Lie::poison}) {
    LiarWorld world(how);
    Key key;
    key.bytes[0] = 0x55;
    const auto named = world.nodes_near(key);
    REQUIRE(named.size() == kContactsMax);
    base::NodeId before;
    for (const base::Contact& one : named) {
      CHECK(one.endpoint.dialable());
      const auto far = base::distance(crypto::node_id(one.key, one.nonce), key);
      CHECK(before < far);
      before = far;
    }
  }
}

TEST_CASE("dht sim: a liar says that it has stored what it does not give, or gives it for other keys and broken") {
  const base::Bytes value{1, 2, 3};
  Key other;
  SUBCASE("stores") {
    LiarWorld world(Lie::stores);
    CHECK(world.store(value));
    CHECK(world.value_of(key_of_value(value)).empty());
    CHECK(world.nodes_near(other).empty());
  }
  SUBCASE("records") {
    LiarWorld world(Lie::records);
    CHECK(world.value_of(other).empty());
    CHECK(world.store(value));
    CHECK(world.value_of(other) == encode(CidRecord{value}));
    std::size_t broken = 0;
    for (int i = 0; i < 30; ++i) broken += world.value_of(key_of_value(value)) != encode(CidRecord{value}) ? 1 : 0;
    CHECK(broken > 0);
    CHECK(broken < 30);
  }
  SUBCASE("poison gives the record, for its own key alone") {
    LiarWorld world(Lie::poison);
    CHECK(world.store(value));
    CHECK(world.value_of(key_of_value(value)) == encode(CidRecord{value}));
    CHECK(world.value_of(other).empty());
  }
}

}  // namespace
}  // namespace troupe::dht
