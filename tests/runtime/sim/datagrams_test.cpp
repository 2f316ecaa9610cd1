// Simulated datagrams: the common contract, then what befalls them on their way.
#include "runtime/sim/datagrams.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <set>

#include "tests/runtime/os/datagram_contract.hpp"
#include "tests/runtime/sim/sim_place.hpp"

using namespace std::chrono_literals;
namespace base = troupe::base;
namespace ports = troupe::ports;
namespace sim = troupe::sim;
using troupe::test::bytes_of;
using troupe::test::long_text;
using troupe::test::Pair;
using troupe::test::Post;
using troupe::test::Posts;
using troupe::test::Probe;
using troupe::test::SimPlace;

namespace {

const sim::Address kNear = sim::address_of(1);
const sim::Address kFar = sim::address_of(2);

/// Numbered datagrams, sent one by one with a little time between them.
void send_numbered(SimPlace& place, Post& from, const base::Endpoint& to, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    from.send(to, {static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)});
    place.stage().run_for(1ms);
  }
  place.stage().run_for(1s);
}

/// The numbers that arrived, in their order.
std::vector<int> numbers(const Post& post) {
  std::vector<int> out;
  for (const auto& one : post.events.datagrams()) out.push_back(one.bytes[0] << 8 | one.bytes[1]);
  return out;
}

/// What arrives at two nodes that send to each other under these faults, and the hash of the run.
struct Seen {
  std::vector<int> far;
  std::vector<int> near;
  std::uint64_t hash;
  friend bool operator==(const Seen&, const Seen&) = default;
};
Seen seen_under(const sim::DatagramFaults& faults, std::uint64_t seed, std::uint16_t there = 1'000,
                std::uint16_t back = 1'000) {
  SimPlace place(seed);
  Post near(place.system(), place.near(), place.near_host());
  Post far(place.system(), place.far(), place.far_host());
  place.fabric().datagrams(faults);
  send_numbered(place, near, far.at(), there);
  send_numbered(place, far, near.at(), back);
  return {numbers(far), numbers(near), place.stage().hash()};
}

std::size_t different(const std::vector<int>& all) { return std::set<int>(all.begin(), all.end()).size(); }

}  // namespace

namespace troupe::test {
TROUPE_DATAGRAM_CONTRACT(SimPlace);
}  // namespace troupe::test

TEST_CASE("datagrams: without faults all arrive in order, each after the latency of its way") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  const base::Duration latency = place.fabric().latency(kNear, kFar);
  near.send(far.at(), "x");
  place.stage().run_for(latency - 1ns);
  CHECK(far.events.arrived() == 0);
  place.stage().run_for(1ns);
  CHECK(far.events.arrived() == 1);
  const Seen all = seen_under({}, 1);
  REQUIRE(all.far.size() == 1'000);
  CHECK(std::is_sorted(all.far.begin(), all.far.end()));
}

TEST_CASE("datagrams: loss takes its share of them, drawn for each way by itself") {
  const sim::DatagramFaults faults{.loss = 300'000};
  const Seen one = seen_under(faults, 1);
  CHECK(one.far.size() > 600);
  CHECK(one.far.size() < 800);
  CHECK(different(one.far) == one.far.size());
  CHECK(std::is_sorted(one.far.begin(), one.far.end()));
  CHECK(one.near != one.far);                              // each way has its own luck
  CHECK(seen_under(faults, 1, 1'000, 10).far == one.far);  // whatever goes the other way
  CHECK(seen_under(faults, 2).far != one.far);
  CHECK(seen_under({.loss = sim::kFaultsWhole}, 1).far.empty());
  CHECK(seen_under({.loss = 1}, 1).far.size() >= 999);
}

TEST_CASE("datagrams: some come twice") {
  const Seen one = seen_under({.twice = 300'000}, 1);
  CHECK(different(one.far) == 1'000);
  CHECK(one.far.size() > 1'200);
  CHECK(one.far.size() < 1'400);
  CHECK(seen_under({.twice = sim::kFaultsWhole}, 1).far.size() == 2'000);
}

TEST_CASE("datagrams: some come late, behind others that left after them") {
  const Seen one = seen_under({.late = 300'000}, 1);
  CHECK(one.far.size() == 1'000);
  CHECK(different(one.far) == 1'000);
  CHECK_FALSE(std::is_sorted(one.far.begin(), one.far.end()));
  for (std::size_t i = 0; i < one.far.size(); ++i) CHECK(one.far[i] + 2 * sim::kLateMax / 1ms >= static_cast<int>(i));

  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  place.fabric().datagrams({.late = sim::kFaultsWhole});
  const base::Duration latency = place.fabric().latency(kNear, kFar);
  for (int i = 0; i < 100; ++i) near.send(far.at(), "x");
  place.stage().run_for(latency);
  CHECK(far.events.arrived() == 0);
  place.stage().run_for(sim::kLateMax);
  CHECK(far.events.arrived() == 100);
}

TEST_CASE("datagrams: the same seed brings the same ones in the same order of events, another one does not") {
  const sim::DatagramFaults faults{.loss = 100'000, .twice = 100'000, .late = 100'000};
  CHECK(seen_under(faults, 1) == seen_under(faults, 1));
  CHECK_FALSE(seen_under(faults, 1) == seen_under(faults, 2));
}

TEST_CASE("datagrams: a cut loses what leaves or would arrive under it, the other way and later ones go on") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  near.send(far.at(), "cut while it travels");
  place.fabric().cut(kNear, kFar);
  place.stage().run_for(1s);
  near.send(far.at(), "cut as it leaves");
  far.send(near.at(), "the other way");
  place.fabric().heal(kNear, kFar);
  place.stage().run_for(10s);
  CHECK(far.events.arrived() == 0);
  CHECK(near.events.arrived() == 1);
  near.send(far.at(), "healed");
  place.stage().run_for(1s);
  CHECK(far.texts() == std::vector<std::string>{"healed"});
  CHECK(near.counts().sent == 3);
}

TEST_CASE("datagrams: a clog makes them late one way, and who leaves after it may overtake") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  place.fabric().clog(kNear, kFar, 5s);
  near.send(far.at(), "clogged");
  far.send(near.at(), "in time");
  place.fabric().clog(kNear, kFar, -5s);
  near.send(far.at(), "quick");
  place.stage().run_for(1s);
  CHECK(near.events.arrived() == 1);
  CHECK(far.texts() == std::vector<std::string>{"quick"});
  place.stage().run_for(5s);
  CHECK(far.events.arrived() == 2);
}

TEST_CASE("datagrams: a narrow way lets through what it can, and loses what would wait for long") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  place.fabric().narrow(kNear, kFar, 10'000);
  for (int i = 0; i < 100; ++i) near.send(far.at(), std::string(1'000, 'x'));
  place.stage().run_for(550ms);
  CHECK(far.events.arrived() <= 5);
  CHECK(far.events.arrived() >= 4);
  place.stage().run_for(1min);
  CHECK(far.events.arrived() == 11);  // those that begin within kNarrowWaitMax
  place.fabric().widen(kNear, kFar, 10'000);
  near.send(far.at(), "y");
  place.stage().run_for(1s);
  CHECK(far.events.arrived() == 12);
}

TEST_CASE("datagrams: a wrong bit is in one of them, and whoever planned it hears of it") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  int hits = 0;
  place.fabric().corrupt(kNear, kFar, [&] { ++hits; });
  const std::string text = long_text(1'000);
  near.send(far.at(), text);
  near.send(far.at(), text);
  place.stage().run_for(1s);
  REQUIRE(far.events.arrived() == 2);
  CHECK(hits == 1);
  int bits = 0;
  for (const auto& one : far.events.datagrams())
    for (std::size_t i = 0; i < text.size(); ++i)
      bits += std::popcount(static_cast<unsigned>((one.bytes[i] ^ static_cast<std::uint8_t>(text[i])) & 0xff));
  CHECK(bits == 1);
}

TEST_CASE("datagrams: a machine that vanishes neither hears nor says anything, also once it is back") {
  Posts<SimPlace> posts;
  auto& [place, near, far] = posts;
  const base::Endpoint was = far.at();
  near.send(was, "under way as it goes");
  place.fabric().vanish(kFar);
  near.send(was, "while it is gone");
  far.send(near.at(), "from the dead");
  place.stage().run_for(1s);
  place.fabric().appear(kFar);
  near.send(was, "nobody is bound yet");
  far.send(near.at(), "of a former life");
  place.stage().run_for(1s);
  CHECK(far.events.arrived() == 0);
  CHECK(near.events.arrived() == 0);
  CHECK(far.counts().sent == 0);

  Probe reborn(place.system());
  auto next = place.far().open_datagrams({place.far_host(), was.port}, reborn.actor());
  REQUIRE(next.ok());
  far.place = nullptr;  // the former one does not take the place along
  near.send(was, "welcome back");
  place.stage().run_for(1s);
  CHECK(reborn.arrived() == 1);
}

TEST_CASE("datagrams: those under way when a stage ends go with it") {
  SimPlace place;
  Post near(place.system(), place.near(), place.near_host());
  Post far(place.system(), place.far(), place.far_host());
  far.events.hold_credits(true);
  for (int i = 0; i < 10; ++i) near.send(far.at(), "handled, and held");
  place.stage().run_for(1s);
  for (int i = 0; i < 10; ++i) near.send(far.at(), "under way");
  CHECK(far.events.arrived() == 10);
}
