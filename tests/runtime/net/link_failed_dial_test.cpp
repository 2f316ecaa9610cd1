// What `/peers` hears of dials that the messages of actors caused.
#include <doctest/doctest.h>

#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using Met = net::wire::NotThere::Met;
using Number = bench::wire::Number;

base::Contact contact_of(NetCluster& cluster, std::size_t member, const base::Endpoint& at) {
  return {cluster[member].pool->setup().identity->public_key(), 0, at};
}

/// Asks member 1 from member 0.
void ask(NetCluster& cluster, Outcome& seen, base::Duration then) {
  cluster.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 30s, number(1),
                                 seen.note());
      },
      then);
}

TEST_CASE("link: `/peers` hears of a failed dial to the address that it named, and which node answered there") {
  Outcome seen;
  NetCluster cluster(3);
  const auto expect = [&](const base::Endpoint& at, Met met) {
    cluster.believed[cluster[1].id()] = at;
    ask(cluster, seen, 20s);
    CHECK(seen.code == base::Code::unavailable);
    REQUIRE(cluster.failed_dials.size() == 1);
    CHECK(cluster.failed_dials[0].contact == contact_of(cluster, 1, at));
    CHECK(cluster.failed_dials[0].met == met);
  };
  SUBCASE("another node") { expect(*cluster[2].address, Met::ANOTHER); }
  SUBCASE("this node itself") { expect(*cluster[0].address, Met::OURSELVES); }
  SUBCASE("no node") { expect({cluster[1].address->address, 9}, Met::NOBODY); }
}

// Two kinds of dials had no limit together: a site kept all places for links full of them. Then they had one together,
// which also counted own dials: silent addresses kept a node from all answers that are too large for a datagram.
TEST_CASE("link: dials to what strangers name have parts of all links by kind, which own dials do not use up") {
  using Kind = net::Pool::DialKind;
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  net::Pool& pool = *cluster[0].pool;
  base::Endpoint silent = *base::Endpoint::parse("198.51.100.9:9");
  cluster.fabric->cut(cluster[0].address->address, silent.address);
  const std::size_t part = pool.setup().limits.links_max / net::Pool::kNamedParts;
  const auto dial = [&](Kind kind, std::size_t most) {
    std::size_t dials = 0;
    cluster.inside(
        0,
        [&](Scripted&) {
          for (; dials < most && pool.may_dial_named(silent, kind); ++dials, ++silent.port)
            pool.remote(contact_of(cluster, 1, silent), "/count", kind);
        },
        0s);
    return dials;
  };
  CHECK(dial(Kind::own, 5 * part) == 5 * part);
  CHECK(dial(Kind::silent, 5 * part) == net::Pool::kSilentPart * part);
  const base::Endpoint elsewhere = *base::Endpoint::parse("203.0.113.9:9");
  CHECK_FALSE(pool.may_dial_named(elsewhere, Kind::silent));  // a named address is of no site
  const std::size_t places = net::Pool::kLargePart * part;
  CHECK(dial(Kind::large, 5 * part) == places / 2);
  silent.address = elsewhere.address;
  cluster.fabric->cut(cluster[0].address->address, silent.address);
  CHECK(dial(Kind::large, 5 * part) == places / base::kGroupPart);
  silent.address = base::Endpoint::parse("192.0.2.9:9")->address;
  cluster.fabric->cut(cluster[0].address->address, silent.address);
  CHECK(dial(Kind::large, 5 * part) == places / base::kGroupPart);
  CHECK_FALSE(pool.may_dial_named(*cluster[1].address, Kind::large));
  Outcome there;
  cluster.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().remote(contact_of(cluster, 1, *cluster[1].address), "/count"),
                                 self.now() + 5s, number(1), there.note());
      },
      1s);
  CHECK(there.value == 2);
  cluster.stage.run_for(20s);
  for (const Kind kind : {Kind::silent, Kind::large}) CHECK(pool.may_dial_named(silent, kind));
}

TEST_CASE("link: a dial that is under way keeps its kind") {
  using Kind = net::Pool::DialKind;
  net::LinkLimits limits;
  limits.links_max = net::Pool::kNamedParts;  // a place for silent ones
  NetCluster cluster(2, 1, limits);
  net::Pool& pool = *cluster[0].pool;
  const base::Endpoint silent = *base::Endpoint::parse("198.51.100.9:9");
  cluster.fabric->cut(cluster[0].address->address, silent.address);
  const auto dial = [&](Kind kind) {
    cluster.inside(
        0, [&](Scripted&) { CHECK(pool.remote(contact_of(cluster, 1, silent), "/count", kind)); }, 0s);
  };
  SUBCASE("an own one") {
    for (const Kind kind : {Kind::own, Kind::silent}) dial(kind);
    CHECK(pool.may_dial_named(silent, Kind::silent));
  }
  SUBCASE("a silent one") {
    for (const Kind kind : {Kind::silent, Kind::own}) dial(kind);
    CHECK_FALSE(pool.may_dial_named(silent, Kind::silent));
  }
  cluster.stage.run_for(20s);
}

// One that named an honest node at a silent address kept all of a node's domains from dialling it where it is.
TEST_CASE("link: a dial to another address of a node waits for none that is under way") {
  Outcome there, known, lost;
  NetCluster cluster(2);
  cluster.serve<Number>(1, "count", successor);
  const base::Endpoint right = *cluster[1].address, silent = *base::Endpoint::parse("198.51.100.9:9");
  cluster.fabric->cut(cluster[0].address->address, silent.address);
  const auto ask_at = [&](const base::Endpoint& at, Outcome& seen) {
    cluster.inside(
        0,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().remote(contact_of(cluster, 1, at), "/count"), self.now() + 5s, number(1),
                                   seen.note());
        },
        0s);
  };
  ask_at(silent, lost);
  SUBCASE("that another has named") {
    ask_at(right, there);
    cluster.stage.run_for(1s);
    CHECK(there.value == 2);
  }
  SUBCASE("that `/peers` knows") {
    cluster.believed[cluster[1].id()] = right;
    ask(cluster, known, 1s);
    CHECK(known.value == 2);
  }
  cluster.stage.run_for(20s);
  CHECK(lost.code.has_value());
  CHECK(cluster[0].pool->in_service(cluster[1].id()));
  CHECK(cluster.failed_dials.empty());
}

TEST_CASE("link: a dial that this node gave up, or that led to a link, says nothing of the address") {
  Outcome seen;
  NetCluster cluster(2);
  SUBCASE("a link that ended later") {
    cluster.serve<Number>(1, "count", successor);
    ask(cluster, seen, 1s);
    CHECK(seen.value == 2);
    net::hang_up(*cluster[0].pool->in_service(cluster[1].id()));
    cluster.stage.run_for(5s);
    CHECK(cluster[0].pool->rows().empty());
  }
  SUBCASE("a dial that was hung up") {
    cluster.fabric->cut(cluster[0].address->address, cluster[1].address->address);
    ask(cluster, seen, 10ms);
    CHECK_FALSE(seen.code.has_value());
    for (const auto& link : cluster[0].pool->close()) net::hang_up(*link);
    cluster.stage.run_for(1s);
    CHECK(seen.code == base::Code::unavailable);
  }
  CHECK(cluster.failed_dials.empty());
}

}  // namespace
}  // namespace troupe::test
