// The simulated network: the common contract, then what only a simulation can do.
#include "runtime/sim/network.hpp"

#include <doctest/doctest.h>

#include <bit>

#include "runtime/sim/connection.hpp"
#include "tests/runtime/os/network_contract.hpp"
#include "tests/runtime/sim/sim_place.hpp"

using namespace std::chrono_literals;
namespace base = troupe::base;
namespace ports = troupe::ports;
namespace sim = troupe::sim;
using troupe::test::bytes_of;
using troupe::test::long_text;
using troupe::test::Pair;
using troupe::test::Probe;
using troupe::test::SimPlace;

namespace troupe::test {
TROUPE_NETWORK_CONTRACT(SimPlace);
}  // namespace troupe::test

TEST_CASE("network: a cut holds bytes back one way, and heals without losing any") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  place.fabric().cut(sim::address_of(1), sim::address_of(2));
  const std::string text = long_text(10'000);
  pair.near->write(bytes_of(text));
  pair.far->write(bytes_of("the other way works"));
  place.stage().run_for(10s);
  CHECK(pair.near_events.received() == "the other way works");
  CHECK(pair.far_events.received().empty());
  place.fabric().heal(sim::address_of(1), sim::address_of(2));
  place.stage().run_for(10s);
  CHECK(pair.far_events.received() == text);
}

TEST_CASE("network: a dial through a cut succeeds if it heals before the deadline") {
  SimPlace place;
  Probe door(place.system());
  Probe caller(place.system());
  auto listener = place.far().listen({"10.0.0.2", 4000}, door.actor());
  REQUIRE(listener.ok());
  SUBCASE("cut on the way there") { place.fabric().cut(sim::address_of(1), sim::address_of(2)); }
  SUBCASE("cut on the way back") { place.fabric().cut(sim::address_of(2), sim::address_of(1)); }
  place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 20s, 1, caller.actor());
  place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 2, caller.actor());
  place.stage().run_for(10s);
  REQUIRE(caller.failed().size() == 1);
  CHECK(caller.failed()[0].ticket == 2);
  place.fabric().heal_all();
  place.stage().run_for(5s);
  REQUIRE(caller.dialled() == 1);
  CHECK(caller.dialled(0).ticket == 1);
}

TEST_CASE("network: what an acceptor took from a dialler that gave up ends as well") {
  SimPlace place;
  Probe door(place.system());
  Probe caller(place.system());
  Probe far(place.system());
  auto listener = place.far().listen({"10.0.0.2", 4000}, door.actor());
  place.fabric().cut(sim::address_of(2), sim::address_of(1));
  place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 1, caller.actor());
  place.stage().run_for(1s);
  REQUIRE(door.accepted() == 1);
  door.accepted(0).stream->start(far.actor());
  place.stage().run_for(10s);
  CHECK(far.closed().has_value());
  CHECK(place.streams() == 0);
}

TEST_CASE("network: a reset ends the streams between two nodes and no others") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  Pair<SimPlace> other(place);
  pair.start();
  place.fabric().reset(sim::address_of(1), sim::address_of(3));
  place.stage().run_for(1s);
  CHECK_FALSE(pair.near_events.closed());
  place.fabric().reset(sim::address_of(2), sim::address_of(1));
  place.stage().run_for(1s);
  CHECK(pair.near_events.closed() == "connection reset");
  CHECK(pair.far_events.closed() == "connection reset");
  CHECK(pair.near_events.after_close() == 0);
  CHECK(place.streams() == 0);
}

TEST_CASE("network: a link has one latency, drawn from the seed within its bounds") {
  SimPlace one(1);
  SimPlace same(1);
  SimPlace other(2);
  const auto latency = [](SimPlace& place, std::uint16_t from, std::uint16_t to) {
    return place.fabric().latency(sim::address_of(from), sim::address_of(to));
  };
  const base::Duration drawn = latency(one, 1, 2);
  CHECK(latency(one, 1, 3) != drawn);
  CHECK(latency(one, 1, 2) == drawn);
  CHECK(latency(same, 1, 2) == drawn);
  CHECK(latency(other, 1, 2) != drawn);
  for (std::uint16_t to = 2; to < 100; ++to) {
    CHECK(latency(one, 1, to) >= sim::Fabric::Latency{}.min);
    CHECK(latency(one, 1, to) <= sim::Fabric::Latency{}.max);
  }
}

TEST_CASE("network: the same seed moves the same bytes in the same order of events") {
  const auto run = [](std::uint64_t seed) {
    SimPlace place(seed);
    Pair<SimPlace> pair(place);
    pair.start();
    for (int i = 0; i < 50; ++i) pair.near->write(bytes_of(long_text(1'000)));
    pair.near->close();
    place.stage().run_for(1min);
    return std::pair{place.stage().hash(), place.stage().events()};
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("network: names resolve as the fabric was told, loopback to the node itself") {
  SimPlace place;
  place.fabric().name("seed.example", sim::address_of(2));
  Probe door(place.system());
  Probe caller(place.system());
  auto far = place.far().listen({"0.0.0.0", 4000}, door.actor());
  auto near = place.near().listen({"localhost", 4001}, door.actor());
  REQUIRE(far.ok());
  REQUIRE(near.ok());
  const base::Instant due = place.clock().now() + 5s;
  place.near().dial({"seed.example", 4000}, due, 1, caller.actor());
  place.near().dial({"127.0.0.1", 4001}, due, 2, caller.actor());
  place.near().dial({"::1", 4001}, due, 3, caller.actor());
  place.far().dial({"127.0.0.1", 4001}, due + 1h, 4, caller.actor());
  CHECK(place.until([&] { return caller.dialled() == 3 && caller.failed().size() == 1; }));
  CHECK(caller.failed()[0].ticket == 4);
}

TEST_CASE("network: overlapping cuts heal only when each of them has healed") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  for (int i = 0; i < 2; ++i) place.fabric().cut(sim::address_of(1), sim::address_of(2));
  pair.near->write(bytes_of("held"));
  place.fabric().heal(sim::address_of(1), sim::address_of(2));
  place.stage().run_for(10s);
  CHECK(pair.far_events.received().empty());
  place.fabric().heal(sim::address_of(1), sim::address_of(2));
  place.fabric().heal(sim::address_of(1), sim::address_of(2));  // once too often is harmless
  place.stage().run_for(10s);
  CHECK(pair.far_events.received() == "held");
}

TEST_CASE("network: a clogged link is late one way, and what left before it was keeps its time") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  place.fabric().clog(sim::address_of(1), sim::address_of(2), 30s);
  pair.near->write(bytes_of("late"));
  pair.far->write(bytes_of("in time"));
  place.stage().run_for(1s);
  CHECK(pair.near_events.received() == "in time");
  CHECK(pair.far_events.received().empty());
  place.fabric().clog(sim::address_of(1), sim::address_of(2), -30s);
  pair.near->write(bytes_of(" and whole"));
  place.stage().run_for(10s);
  CHECK(pair.far_events.received().empty());  // bytes keep their order
  place.stage().run_for(30s);
  CHECK(pair.far_events.received() == "late and whole");
}

TEST_CASE("network: a dial is late on a clogged or busy link as all that leaves is, and a cut swallows it on its way") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  Probe door(place.system());
  Probe caller(place.system());
  auto listener = place.far().listen({"10.0.0.2", 4000}, door.actor());
  REQUIRE(listener.ok());
  const sim::Address near = sim::address_of(1), far = sim::address_of(2);
  bool was_cut = false;
  SUBCASE("clogged on the way there") { place.fabric().clog(near, far, 5s); }
  SUBCASE("clogged on the way back") { place.fabric().clog(far, near, 5s); }
  SUBCASE("behind bytes on a narrow way") {
    place.fabric().narrow(near, far, 1'000);
    pair.near->write(bytes_of(long_text(5'000)));
  }
  SUBCASE("cut there while it travels") {
    place.fabric().clog(near, far, 5s);
    was_cut = true;
  }
  SUBCASE("cut on the way back while it travels") {
    place.fabric().clog(far, near, 5s);
    was_cut = true;
  }
  place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 1min, 1, caller.actor());
  place.stage().run_for(4900ms);
  CHECK(caller.dialled() == 0);
  if (was_cut) {
    for (const auto& [from, to] : {std::pair{near, far}, std::pair{far, near}}) place.fabric().cut(from, to);
    place.stage().run_for(20s);
    CHECK(caller.dialled() == 0);
    place.fabric().heal_all();
    place.stage().run_for(5s);
  }
  place.stage().run_for(2s);
  CHECK(caller.dialled() == 1);
  CHECK(door.accepted() == 1);
}

TEST_CASE("network: a narrow link lets no more through than it was told") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  place.fabric().narrow(sim::address_of(1), sim::address_of(2), 1'000);
  const std::string text = long_text(10'000);
  pair.near->write(bytes_of(text));
  place.stage().run_for(5s);
  CHECK(pair.far_events.received().size() <= 5'000);
  place.stage().run_for(6s);
  CHECK(pair.far_events.received() == text);
}

TEST_CASE("network: a corrupted piece differs in one bit, and the next ones are right") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  place.fabric().corrupt(sim::address_of(1), sim::address_of(2));
  const std::string text = long_text(1'000);
  pair.near->write(bytes_of(text));
  place.stage().run_for(1s);
  const std::string got = pair.far_events.received();
  REQUIRE(got.size() == text.size());
  int bits = 0;
  for (std::size_t i = 0; i < got.size(); ++i) bits += std::popcount(static_cast<unsigned>((got[i] ^ text[i]) & 0xff));
  CHECK(bits == 1);
  pair.near->write(bytes_of(text));
  place.stage().run_for(1s);
  CHECK(pair.far_events.received().substr(text.size()) == text);
}

TEST_CASE("network: a half-open stream has ended at one side, and is reset when the other side sends") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  CHECK(place.fabric().half_open(sim::address_of(1), sim::address_of(2)) == 0);  // not started yet
  pair.start();
  pair.near->write(bytes_of("lost on its way"));
  pair.far->write(bytes_of("lost as well"));
  CHECK(place.fabric().half_open(sim::address_of(1), sim::address_of(3)) == 0);
  SUBCASE("the dialler knows") {
    CHECK(place.fabric().half_open(sim::address_of(1), sim::address_of(2)) == 1);
    place.stage().settle();
    CHECK(pair.near_events.closed() == "connection timed out");
    CHECK_FALSE(pair.far_events.closed());
    place.stage().run_for(1s);  // what it had sent is answered by a reset
    CHECK(pair.far_events.closed() == "connection reset by the other side");
    CHECK(pair.far_events.received().empty());
  }
  SUBCASE("the acceptor knows, and the dialler is silent for long") {
    place.stage().run_for(1s);
    CHECK(place.fabric().half_open(sim::address_of(2), sim::address_of(1)) == 1);
    CHECK(place.fabric().half_open(sim::address_of(2), sim::address_of(1)) == 0);
    place.stage().run_for(1h);
    CHECK(pair.far_events.closed() == "connection timed out");
    CHECK_FALSE(pair.near_events.closed());
    CHECK(place.streams() == 1);
    pair.near->write(bytes_of("hello?"));
    place.stage().run_for(1s);
    CHECK(pair.near_events.closed() == "connection reset by the other side");
  }
  CHECK(pair.near_events.after_close() == 0);
  CHECK(place.streams() == 0);
}

TEST_CASE("network: a machine that vanishes is silent, and resets who sends to it once it is back") {
  SimPlace place;
  Pair<SimPlace> pair(place);
  pair.start();
  place.fabric().vanish(sim::address_of(2));
  place.stage().run_for(1h);
  CHECK_FALSE(pair.near_events.closed());

  SUBCASE("who has sent meanwhile is reset when it returns") {
    pair.near->write(bytes_of("hello?"));
    place.stage().run_for(1h);
    CHECK_FALSE(pair.near_events.closed());
    place.fabric().appear(sim::address_of(2));
    place.stage().run_for(1s);
    CHECK(pair.near_events.closed() == "connection reset by the other side");
  }
  SUBCASE("who sends later is reset then") {
    place.fabric().appear(sim::address_of(2));
    place.stage().run_for(1h);
    CHECK_FALSE(pair.near_events.closed());
    pair.near->write(bytes_of("hello?"));
    place.stage().run_for(1s);
    CHECK(pair.near_events.closed() == "connection reset by the other side");
  }
  SUBCASE("a dial that is under way when it vanishes hears nothing from it") {
    place.fabric().appear(sim::address_of(2));
    Probe door(place.system());
    Probe caller(place.system());
    auto listener = place.far().listen({"10.0.0.2", 4000}, door.actor());
    REQUIRE(listener.ok());
    place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 1, caller.actor());
    place.fabric().vanish(sim::address_of(2));
    place.stage().run_for(6s);
    REQUIRE(caller.failed().size() == 1);
    CHECK(caller.failed()[0].why == "no response in time");
    CHECK(door.accepted() == 0);
  }
  SUBCASE("a dial of its own ends with it") {
    place.fabric().appear(sim::address_of(2));
    Probe door(place.system());
    Probe caller(place.system());
    Probe taken(place.system());
    auto listener = place.near().listen({"10.0.0.1", 4000}, door.actor());
    REQUIRE(listener.ok());
    place.far().dial({"10.0.0.1", 4000}, place.far_clock().now() + 5s, 1, caller.actor());
    REQUIRE(place.stage().run_until([&] { return door.accepted() == 1; }, 1s));
    door.accepted(0).stream->start(taken.actor());
    place.fabric().vanish(sim::address_of(2));
    place.stage().run_for(1h);
    CHECK(caller.dialled() == 0);
    CHECK_FALSE(taken.closed());
  }
  SUBCASE("a place that it had bound may be bound again while its listener is still about") {
    place.fabric().appear(sim::address_of(2));
    Probe door(place.system());
    Probe other_door(place.system());
    Probe caller(place.system());
    auto before = place.far().listen({"10.0.0.2", 4000}, door.actor());
    REQUIRE(before.ok());
    place.fabric().vanish(sim::address_of(2));
    place.fabric().appear(sim::address_of(2));
    auto after = place.far().listen({"10.0.0.2", 4000}, other_door.actor());
    REQUIRE(after.ok());
    before.value().reset();
    place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 1, caller.actor());
    place.stage().run_for(1s);
    CHECK(caller.dialled() == 1);
    CHECK(other_door.accepted() == 1);
  }
  SUBCASE("a dial finds nobody until it is back and listens again") {
    Probe door(place.system());
    Probe caller(place.system());
    place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 1, caller.actor());
    place.stage().run_for(6s);
    REQUIRE(caller.failed().size() == 1);
    CHECK(caller.failed()[0].why == "no response in time");
    place.fabric().appear(sim::address_of(2));
    auto listener = place.far().listen({"10.0.0.2", 4000}, door.actor());
    REQUIRE(listener.ok());
    place.near().dial({"10.0.0.2", 4000}, place.clock().now() + 5s, 2, caller.actor());
    place.stage().run_for(1s);
    CHECK(caller.dialled() == 1);
  }
  CHECK(pair.far_events.received().empty());
  CHECK_FALSE(pair.far_events.closed());
}
