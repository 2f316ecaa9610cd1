#pragma once
// What every Network promises of datagrams, as one body of tests for the real one and the simulated one.
//
// A `Place` is that of network_contract.hpp, with near_host() beside far_host(). Write TROUPE_DATAGRAM_CONTRACT(Place)
// in namespace troupe::test, once a program.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/runtime/os/network_contract.hpp"

namespace troupe::test {

/// One place of datagrams and who owns it.
struct Post {
  Post(caf::actor_system& system, ports::Network& network, const std::string& host) : events(system) {
    auto opened = network.open_datagrams({host, 0}, events.actor());
    REQUIRE(opened.ok());
    place = std::move(opened).value();
  }
  base::Endpoint at() const { return place->local(); }
  ports::DatagramCounts counts() const { return place->counts(); }
  void send(const base::Endpoint& to, base::Bytes bytes) {
    std::vector<ports::Datagram> batch;
    batch.push_back({to, std::move(bytes)});
    place->send(std::move(batch));
  }
  void send(const base::Endpoint& to, std::string_view text) { send(to, bytes_of(text)); }
  /// What arrived here, as text, sorted.
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& one : events.datagrams()) out.emplace_back(base::as_text(one.bytes));
    std::sort(out.begin(), out.end());
    return out;
  }

  Probe events;
  std::unique_ptr<ports::Datagrams> place;
};

template <class Place>
struct Posts {
  Place place;
  Post near{place.system(), place.near(), place.near_host()};
  Post far{place.system(), place.far(), place.far_host()};
};

TEST_CASE_TEMPLATE_DEFINE("datagrams: one arrives whole, and its owner can answer to where it came from", Place,
                          datagrams_arrive) {
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  CHECK(near.at().port != 0);
  near.send(far.at(), "question");
  REQUIRE(place.until([&] { return far.events.arrived() == 1; }));
  const ports::Datagram question = far.events.datagrams().front();
  CHECK(base::as_text(question.bytes) == "question");
  CHECK(question.with == near.at());
  far.send(question.with, "answer");
  REQUIRE(place.until([&] { return near.events.arrived() == 1; }));
  CHECK(near.events.datagrams().front().with == far.at());
  CHECK(near.texts().front() == "answer");
  CHECK(near.counts().sent == 1);
  CHECK(near.counts().received == 1);
  CHECK(far.counts().sent == 1);
  CHECK(far.counts().received == 1);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: the shortest and the longest arrive, an empty or longer one is not sent", Place,
                          datagrams_have_limits) {
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  const std::string longest = long_text(ports::kDatagramBytesMax);
  std::vector<ports::Datagram> batch;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, ports::kDatagramBytesMax, ports::kDatagramBytesMax + 1, std::size_t{65'507}}) {
    const std::string text = size == ports::kDatagramBytesMax ? longest : std::string(size, 'x');
    batch.push_back({far.at(), bytes_of(text)});
  }
  near.place->send(std::move(batch));
  REQUIRE(place.until([&] { return far.events.arrived() == 2; }));
  place.settle();
  std::vector<std::string> expected{"x", longest};
  std::sort(expected.begin(), expected.end());
  CHECK(far.texts() == expected);
  CHECK(near.counts().sent == 2);
  CHECK(near.counts().oversize == 3);
  near.place->send({});
  CHECK(near.counts().sent == 2);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: a batch larger than one system call goes out whole, each to its place", Place,
                          datagrams_in_batches) {
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  std::vector<ports::Datagram> batch;
  for (std::uint8_t i = 0; i < 130; ++i) batch.push_back({i % 2 == 0 ? far.at() : near.at(), {i}});
  near.place->send(std::move(batch));
  REQUIRE(place.until([&] { return far.events.arrived() == 65 && near.events.arrived() == 65; }));
  for (const auto& one : far.events.datagrams()) CHECK(one.bytes[0] % 2 == 0);
  for (const auto& one : near.events.datagrams()) CHECK(one.bytes[0] % 2 == 1);
  CHECK(near.counts().sent == 130);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: one place hears many senders, each under its own address", Place,
                          datagrams_of_many) {
  constexpr std::size_t kSenders = 16;
  constexpr std::size_t kEach = 20;
  Place place;
  Post far(place.system(), place.far(), place.far_host());
  std::vector<std::unique_ptr<Post>> senders;
  for (std::size_t i = 0; i < kSenders; ++i)
    senders.push_back(std::make_unique<Post>(place.system(), place.near(), place.near_host()));
  for (std::size_t n = 0; n < kEach; ++n)
    for (const auto& one : senders) one->send(far.at(), one->at().text());
  REQUIRE(place.until([&] { return far.events.arrived() == kSenders * kEach; }));
  std::map<base::Endpoint, std::size_t> heard;
  for (const auto& one : far.events.datagrams()) {
    CHECK(base::as_text(one.bytes) == one.with.text());
    ++heard[one.with];
  }
  CHECK(heard.size() == kSenders);
  for (const auto& [from, times] : heard) CHECK(times == kEach);
  for (const std::size_t size : far.events.batches()) CHECK(size >= 1);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: with too many unhandled the next ones are dropped and counted, until some are",
                          Place, datagrams_are_bounded) {
  constexpr std::size_t kBeyond = 300;
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  far.events.hold_credits(true);
  // Some at a time: the kernel shall not be the one who has no room.
  for (std::size_t sent = 0; sent < ports::kDatagramsWaitingMax + kBeyond;) {
    for (std::size_t i = 0; i < 100 && sent < ports::kDatagramsWaitingMax + kBeyond; ++i, ++sent)
      near.send(far.at(), "x");
    REQUIRE(place.until([&] { return far.counts().received + far.counts().dropped == sent; }));
  }
  REQUIRE(place.until([&] { return far.events.arrived() == ports::kDatagramsWaitingMax; }));
  CHECK(far.counts().received == ports::kDatagramsWaitingMax);
  CHECK(far.counts().dropped == kBeyond);
  far.events.hold_credits(false);
  near.send(far.at(), "new");
  REQUIRE(place.until([&] { return far.events.arrived() == ports::kDatagramsWaitingMax + 1; }));
  CHECK(base::as_text(far.events.datagrams().back().bytes) == "new");
  CHECK(far.counts().dropped == kBeyond);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: a place is taken by one owner, and free again without it", Place,
                          datagrams_bind_once) {
  Place place;
  Post first(place.system(), place.far(), place.far_host());
  Probe other(place.system());
  const base::HostPort at{place.far_host(), first.at().port};
  auto second = place.far().open_datagrams(at, other.actor());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == base::Code::conflict);
  auto foreign = place.far().open_datagrams({"192.0.2.1", 0}, other.actor());
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code == base::Code::refused);
  auto unknown = place.far().open_datagrams({"no-such-host.invalid", 0}, other.actor());
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::not_found);
  first.place = nullptr;
  CHECK(place.far().open_datagrams(at, other.actor()).ok());
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: streams and datagrams may have one port number", Place,
                          datagrams_beside_streams) {
  Place place;
  Probe door(place.system());
  auto listener = place.far().listen({place.far_host(), 0}, door.actor());
  REQUIRE(listener.ok());
  auto opened = place.far().open_datagrams({place.far_host(), listener.value()->local().port}, door.actor());
  REQUIRE(opened.ok());
  CHECK(opened.value()->local() == listener.value()->local());
  Post near(place.system(), place.near(), place.near_host());
  near.send(opened.value()->local(), "hello");
  CHECK(place.until([&] { return door.arrived() == 1; }));
  CHECK(door.accepted() == 0);
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: what cannot arrive is lost without a word, and the others go on", Place,
                          datagrams_to_nobody) {
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  const base::Endpoint nobody{far.at().address, place.closed_port()};
  for (int i = 0; i < 20; ++i) near.send(nobody, "anybody there?");
  place.settle();  // until the kernel has heard that nobody is
  base::Endpoint group = *base::Endpoint::parse("224.0.0.1:9");
  std::vector<ports::Datagram> batch;
  batch.push_back({group, {1}});
  batch.push_back({{far.at().address, 0}, {2}});
  batch.push_back({{}, {3}});
  batch.push_back({far.at(), {4}});
  near.place->send(std::move(batch));
  REQUIRE(place.until([&] { return far.events.arrived() == 1; }));
  CHECK(far.events.datagrams().front().bytes == base::Bytes{4});
  CHECK(near.counts().unsent == 3);
  CHECK(near.counts().sent == 21);
  far.send(near.at(), "still here?");
  CHECK(place.until([&] { return near.events.arrived() == 1; }));
}

TEST_CASE_TEMPLATE_DEFINE("datagrams: a place that was given up hears nothing more, its owner may go before it", Place,
                          datagrams_end) {
  Posts<Place> posts;
  auto& [place, near, far] = posts;
  near.send(far.at(), "before");
  REQUIRE(place.until([&] { return far.events.arrived() == 1; }));
  const base::Endpoint was = far.at();
  SUBCASE("dropped") {
    far.place = nullptr;
    for (int i = 0; i < 10; ++i) near.send(was, "after");
    place.settle();
    CHECK(far.events.arrived() == 1);
  }
  SUBCASE("taken over by another") {
    far.place = nullptr;
    Probe heir(place.system());
    auto next = place.far().open_datagrams({place.far_host(), was.port}, heir.actor());
    REQUIRE(next.ok());
    near.send(was, "after");
    CHECK(place.until([&] { return heir.arrived() == 1; }));
    CHECK(far.events.arrived() == 1);
  }
  SUBCASE("without its owner") {
    far.events = Probe(place.system());
    for (int i = 0; i < 10; ++i) near.send(was, "after");
    place.settle();
    CHECK(far.events.arrived() == 0);
  }
}

}  // namespace troupe::test

/// Runs the contract in one Place.
#define TROUPE_DATAGRAM_CONTRACT(Place)                       \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_arrive, Place);         \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_have_limits, Place);    \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_in_batches, Place);     \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_of_many, Place);        \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_are_bounded, Place);    \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_bind_once, Place);      \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_beside_streams, Place); \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_to_nobody, Place);      \
  TEST_CASE_TEMPLATE_INVOKE(datagrams_end, Place)
