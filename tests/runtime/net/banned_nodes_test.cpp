// Banned nodes: their links, dials and datagrams are refused until the ban ends.
#include "runtime/net/banned_nodes.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/net/datagram_cluster.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Number;
using net::BannedNodes;
using net::wire::Violation;
using runtime::Handlers;
using runtime::Reply;

namespace {

base::NodeId id(std::size_t number) {
  base::NodeId out;
  out.bytes[0] = static_cast<std::uint8_t>(number);
  out.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return out;
}

/// The second member serves, the first one asks, and a stranger lives in the third.
struct Street {
  Street() : cluster(3, {.without = 1}), stranger(cluster, 2) {
    cluster.cluster.serve<Number>(1, "count", [this](Scripted&, Handlers& on) {
      on.ask<Number, Number>([this](Number::Reader question, Reply<Number> reply) {
        ++run;
        reply.send(number(question.getValue() + 1));
      });
    });
    cluster.stage.run_for(1ms);
  }
  Outcome ask_by_link(std::size_t from, std::size_t to) {
    Outcome out;
    cluster.cluster.inside(
        from,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().remote(cluster[to].id(), "/count"), self.now() + 3s, number(41),
                                   out.note());
        },
        4s);
    return out;
  }
  const std::vector<std::pair<base::NodeId, Violation>>& accused() { return cluster.cluster.accused; }

  DatagramCluster cluster;
  RemotePeer stranger;
  int run = 0;
};

}  // namespace

TEST_CASE("banned nodes: a ban ends by itself or is lifted, and each is counted once") {
  BannedNodes nodes;
  CHECK_FALSE(nodes.contains(id(1), kStart));
  nodes.ban(id(1), kStart + 10s, kStart);
  CHECK(nodes.contains(id(1), kStart + 10s - 1ns));
  CHECK_FALSE(nodes.contains(id(1), kStart + 10s));
  CHECK_FALSE(nodes.contains(id(2), kStart));
  nodes.ban(id(1), kStart + 20s, kStart);
  CHECK(nodes.contains(id(1), kStart + 15s));
  CHECK(nodes.size(kStart) == 1);
  CHECK(nodes.size(kStart + 20s) == 0);
  CHECK(nodes.bans() == 1);
  CHECK(nodes.refused() == 2);
  nodes.ban(id(1), kStart, kStart);
  CHECK_FALSE(nodes.contains(id(1), kStart));
  CHECK(nodes.size(kStart) == 0);
}

TEST_CASE("banned nodes: when full, a new ban replaces the ban that would end first") {
  BannedNodes nodes;
  for (std::size_t i = 0; i < BannedNodes::kNodesMax; ++i) nodes.ban(id(i), kStart + (i == 9 ? 1s : 10s), kStart);
  nodes.ban(id(9'000), kStart + 10s, kStart);
  CHECK(nodes.size(kStart) == BannedNodes::kNodesMax);
  CHECK_FALSE(nodes.contains(id(9), kStart));
  CHECK(nodes.contains(id(9'000), kStart));
}

TEST_CASE("ban: no link to or from a banned node comes into service, and others go on") {
  Street street;
  NetCluster& cluster = street.cluster.cluster;
  cluster.ban(1, cluster[0].id(), 60s);
  SUBCASE("it dials") {
    CHECK_FALSE(street.ask_by_link(0, 1).value);
    CHECK(cluster[1].pool->counters().of(net::Turned::banned) >= 1);
    CHECK(cluster[0].pool->rows().empty());  // it never saw our proof
  }
  SUBCASE("it is dialled") {
    cluster.serve<Number>(0, "count", successor);
    CHECK_FALSE(street.ask_by_link(1, 0).value);
    std::optional<Code> code;
    cluster.inside(1, [&](Scripted& self) {
      self.ask<net::wire::Dial, net::wire::Dialled>(
          self.node().find("/links"), self.now() + 5s,
          [&](net::wire::Dial::Builder dial) {
            const auto& bytes = cluster[0].id().bytes;
            dial.setPinned(kj::arrayPtr(bytes.data(), bytes.size()));
            dial.setAddress(cluster[0].address->text());
          },
          [&](runtime::Answer<net::wire::Dialled> answer) { code = answer.error().code; });
    });
    CHECK(code == Code::refused);
  }
  SUBCASE("it answers at the address of another node") {
    std::optional<base::Error> why;
    cluster.inside(1, [&](Scripted& self) {
      self.ask<net::wire::Dial, net::wire::Dialled>(
          self.node().find("/links"), self.now() + 5s,
          [&](net::wire::Dial::Builder dial) { dial.setAddress(cluster[0].address->text()); },
          [&](runtime::Answer<net::wire::Dialled> answer) { why = answer.error(); });
    });
    REQUIRE(why);
    CHECK(why->code == Code::refused);
    CHECK(why->message.find(cluster[0].id().hex()) != std::string::npos);
  }
  CHECK(cluster[1].pool->rows().empty());
  CHECK(street.run == 0);
  CHECK(street.ask_by_link(2, 1).value == 42);  // another node, even behind the same address
  cluster.stage.run_for(60s);
  CHECK(street.ask_by_link(0, 1).value == 42);
}

TEST_CASE("ban: datagrams of a banned node are not opened, and it is asked nothing") {
  Street street;
  NetCluster& cluster = street.cluster.cluster;
  CHECK(street.cluster.answer(0, 1) == 42);
  const auto sessions = street.cluster.count(1, &DatagramCounts::getAgreements);
  cluster.ban(1, cluster[0].id(), 60s);
  Outcome refused;
  street.cluster.ask(0, 1, refused, 1s, 3s);
  CHECK(refused.code == Code::timeout);
  CHECK(street.run == 1);
  CHECK(street.cluster.count(1, &DatagramCounts::getRefused) >= 1);
  Outcome asked;
  street.cluster.ask(1, 0, asked);
  CHECK(asked.code == Code::unavailable);  // at once, and not by its deadline
  SUBCASE("a stranger that is banned costs no agreement") {
    const base::Contact contact = street.stranger.contact();
    cluster.ban(1, crypto::node_id(contact.key, contact.nonce), 60s);
    CHECK_FALSE(street.stranger.ask(1, street.stranger.cookie(1)));
    CHECK(street.run == 1);
  }
  SUBCASE("a node is served again once its ban is lifted") {
    cluster.ban(1, cluster[0].id(), 0s);
    CHECK(street.cluster.answer(0, 1) == 42);
  }
  SUBCASE("and so is everybody whose time is over") {
    cluster.stage.run_for(60s);
    CHECK(street.cluster.answer(0, 1) == 42);
  }
  CHECK(street.cluster.count(1, &DatagramCounts::getAgreements) == sessions);
}

TEST_CASE("violation: a sealed question that no honest node sends is told, one that a newer node may send is not") {
  Street street;
  const net::Cookie cookie = street.stranger.cookie(1);
  CHECK(street.stranger.ask(1, cookie) == 42);
  const base::Contact contact = street.stranger.contact();
  const base::NodeId stranger = crypto::node_id(contact.key, contact.nonce);
  const auto say = [&](const RemotePeer::Words& words) {
    street.stranger.send(1, street.stranger.question(1, {}, words));
  };
  SUBCASE("unknown kinds and services") {
    say({.kind = 12345});
    say({.path = "/nowhere"});
    CHECK(street.accused().empty());
  }
  SUBCASE("an operator's command") {
    say({.path = "/links", .kind = messages::kind_of<net::wire::ListLinks>().id});
    CHECK(street.accused() == std::vector{std::pair{stranger, Violation::FORBIDDEN}});
  }
  SUBCASE("what one did not seal oneself") {
    base::Bytes changed = street.stranger.question(1);
    changed.back() ^= 1;
    street.stranger.send(1, std::move(changed));
    street.stranger.send(1, base::Bytes(80, 0xff));
    CHECK(street.accused().empty());
  }
  SUBCASE("the same again and again") {
    const base::Bytes question = street.stranger.question(1);
    for (int i = 0; i < 20'000; ++i) street.stranger.send(1, question, 0ms);
    street.cluster.stage.run_for(1s);
    CHECK(street.accused().empty());  // an eavesdropper could replay it
  }
}

TEST_CASE("violation: being late, lossy or gone is not a violation") {
  Street street;
  NetCluster& cluster = street.cluster.cluster;
  std::vector<Reply<Number>> kept;
  cluster.serve<Number>(1, "keep", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) { kept.push_back(std::move(reply)); });
    on.tell<bench::wire::Latest>([&](auto) { kept.clear(); });
  });
  std::array<Outcome, 40> late;
  cluster.inside(
      0,
      [&](Scripted& self) {
        for (std::size_t i = 0; i < late.size(); ++i)
          self.ask<Number, Number>(
              i % 2 == 0 ? self.node().remote(cluster[1].id(), "/keep") : street.cluster.reach(self, 1, "/keep"),
              self.now() + 1s, number(1), late[i].note());
      },
      5s);
  CHECK(late[0].code == Code::timeout);
  cluster.inside(1, [&](Scripted& self) { self.tell<bench::wire::Latest>(self.node().find("/keep"), number(0)); });
  cluster.fabric->cut(cluster[0].ports.address(), cluster[1].ports.address());
  cluster.stage.run_for(120s);
  CHECK(street.accused().empty());
}

TEST_CASE("violation: over a link an operator's command and a long flood are told, a short one is not") {
  NetCluster cluster(2, 1, {.questions_per_second_max = 2});
  cluster.serve<Number>(1, "count", successor);
  const auto ask = [&](int times, const char* path) {
    cluster.inside(0, [&cluster, times, path](Scripted& self) {
      for (int i = 0; i < times; ++i)
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), path), self.now() + 5s, number(1), [](auto) {});
    });
  };
  SUBCASE("a burst of ten seconds' worth, and kinds that no service offers") {
    ask(150, "/count");
    ask(20, "/nowhere");
    CHECK(cluster.accused.empty());
    cluster.stage.run_for(11s);
    ask(150, "/count");
    CHECK(cluster.accused.empty());
  }
  SUBCASE("ten times as many for ten seconds, once") {
    for (int i = 0; i < 4; ++i) ask(150, "/count");
    CHECK(cluster.accused == std::vector{std::pair{cluster[0].id(), Violation::FLOODING}});
  }
  SUBCASE("a command") {
    cluster.inside(0, [&](Scripted& self) {
      self.ask<net::wire::ListLinks, net::wire::LinkRows>(
          self.node().remote(cluster[1].id(), "/links"), self.now() + 5s, [](auto) {}, [](auto) {});
    });
    CHECK(cluster.accused == std::vector{std::pair{cluster[0].id(), Violation::FORBIDDEN}});
  }
}
