#pragma once
// What every Network promises, as one body of tests for the real one and the simulated one.
//
// A `Place` gives: system(), clock(), near() and far() (two Networks that reach each other), until(claim) which is
// true once the claim holds and false if it does not within a bound, settle(), closed_port(),
// silent() where nothing answers, and kMuch: more bytes than its buffers hold. Write TROUPE_NETWORK_CONTRACT(Place) in
// namespace troupe::test, once a program.
#include <doctest/doctest.h>

#include "runtime/base/random.hpp"
#include "tests/runtime/os/probe.hpp"
#include "tests/support.hpp"

namespace troupe::test {

/// Text that shows where a byte is missing or doubled.
inline std::string long_text(std::size_t size) {
  base::Random random(size);
  std::string out(size, ' ');
  for (char& letter : out) letter = static_cast<char>(random.below(256));
  return out;
}

/// Two connected streams and who listens to them.
template <class Place>
struct Pair {
  Place& place;
  Probe door{place.system()};
  Probe caller{place.system()};
  Probe near_events{place.system()};
  Probe far_events{place.system()};
  std::unique_ptr<ports::Listener> listener;
  std::shared_ptr<ports::Stream> near;
  std::shared_ptr<ports::Stream> far;

  explicit Pair(Place& where) : place(where) {
    auto listening = place.far().listen({place.far_host(), 0}, door.actor());
    REQUIRE(listening.ok());
    listener = std::move(listening).value();
    const base::HostPort to{place.far_host(), listener->local().port};
    place.near().dial(to, place.clock().now() + std::chrono::minutes(1), 7, caller.actor());
    REQUIRE(place.until([&] { return door.accepted() == 1 && caller.dialled() == 1; }));
    near = caller.dialled(0).stream;
    far = door.accepted(0).stream;
    door.forget_streams();
    caller.forget_streams();
  }
  void start() {
    near->start(near_events.actor());
    far->start(far_events.actor());
  }
};

TEST_CASE_TEMPLATE_DEFINE("network: a dial answers with its ticket, and both sides know who is there", Place,
                          network_dials) {
  Place place;
  Probe door(place.system());
  Probe caller(place.system());
  auto listener = place.far().listen({place.far_host(), 0}, door.actor());
  REQUIRE(listener.ok());
  const base::Endpoint at = listener.value()->local();
  CHECK(at.port != 0);
  place.near().dial({place.far_host(), at.port}, place.clock().now() + std::chrono::minutes(1), 42, caller.actor());
  REQUIRE(place.until([&] { return door.accepted() == 1 && caller.dialled() == 1; }));
  CHECK(caller.dialled(0).ticket == 42);
  CHECK(caller.dialled(0).to == at);
  CHECK(door.accepted(0).from.endpoint.port != 0);
  CHECK_FALSE(door.accepted(0).from.user_id.has_value());
}

TEST_CASE_TEMPLATE_DEFINE("network: bytes arrive whole and in order, and Written counts each of them", Place,
                          network_moves_bytes) {
  Place place;
  Pair<Place> pair(place);
  pair.start();
  const std::string there = long_text(3'000'000);
  const std::string back = long_text(100'000);
  for (std::size_t at = 0; at < there.size(); at += 100'000)
    pair.near_events.write(*pair.near, bytes_of(there.substr(at, 100'000)));
  for (std::size_t at = 0; at < back.size(); at += 100)
    pair.far_events.write(*pair.far, bytes_of(back.substr(at, 100)));
  REQUIRE(place.until([&] {
    return pair.far_events.received_bytes() >= there.size() && pair.near_events.received_bytes() >= back.size();
  }));
  CHECK(pair.far_events.received() == there);
  CHECK(pair.near_events.received() == back);
  REQUIRE(place.until(
      [&] { return pair.near_events.written() == there.size() && pair.far_events.written() == back.size(); }));
}

TEST_CASE_TEMPLATE_DEFINE("network: nothing is read before a stream has an owner", Place, network_waits_for_owner) {
  Place place;
  Pair<Place> pair(place);
  pair.near->start(pair.near_events.actor());
  pair.near_events.write(*pair.near, bytes_of("early"));
  REQUIRE(place.until([&] { return pair.near_events.written() == 5; }));
  CHECK(pair.far_events.received().empty());
  pair.far_events.write(*pair.far, bytes_of("also early"));
  pair.far->start(pair.far_events.actor());
  CHECK(place.until([&] { return pair.far_events.received() == "early"; }));
  CHECK(place.until([&] { return pair.near_events.received() == "also early"; }));
}

TEST_CASE_TEMPLATE_DEFINE("network: close sends what is queued, and both sides get one Closed, the last event", Place,
                          network_closes) {
  Place place;
  Pair<Place> pair(place);
  pair.start();
  const std::string text = long_text(1'000'000);
  SUBCASE("by the dialler") {
    pair.near_events.write(*pair.near, bytes_of(text));
    pair.near->close();
    REQUIRE(place.until([&] { return pair.near_events.closed() && pair.far_events.closed(); }));
    CHECK(pair.far_events.received() == text);
    CHECK(pair.near_events.written() == text.size());
  }
  SUBCASE("by the acceptor") {
    pair.far_events.write(*pair.far, bytes_of(text));
    pair.far->close();
    REQUIRE(place.until([&] { return pair.near_events.closed() && pair.far_events.closed(); }));
    CHECK(pair.near_events.received() == text);
  }
  SUBCASE("by both at once") {
    pair.near->close();
    pair.far->close();
    REQUIRE(place.until([&] { return pair.near_events.closed() && pair.far_events.closed(); }));
  }
  SUBCASE("by dropping, which tells the dropper nothing") {
    pair.near_events.write(*pair.near, bytes_of(text));
    pair.near = nullptr;
    REQUIRE(place.until([&] { return pair.far_events.closed().has_value(); }));
    CHECK(pair.far_events.received() == text);
    CHECK_FALSE(pair.near_events.closed());
  }
  CHECK(pair.far_events.closed() == "");
  CHECK(pair.near_events.closed().value_or("") == "");
  if (pair.near) pair.near_events.write(*pair.near, bytes_of("too late"));
  pair.far_events.write(*pair.far, bytes_of("too late"));
  pair.far->close();
  place.settle();
  CHECK(pair.near_events.after_close() == 0);
  CHECK(pair.far_events.after_close() == 0);
  CHECK(place.until([&] { return place.streams() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE("network: a side that never closes does not keep the other for ever", Place,
                          network_lingers) {
  Place place;
  Pair<Place> pair(place);
  pair.start();
  pair.far->pause(true);
  const std::string text = long_text(Place::kMuch);
  pair.near_events.write(*pair.near, bytes_of(text));
  REQUIRE(place.until([&] { return pair.near_events.written() > 0; }));
  pair.near->close();
  REQUIRE(place.until([&] { return pair.near_events.closed().has_value(); }));
  CHECK(pair.near_events.closed() == "the other side did not close in time");
  pair.far->pause(false);
  REQUIRE(place.until([&] { return pair.far_events.closed().has_value(); }));
  CHECK(pair.far_events.closed() != "");
  CHECK(pair.far_events.received_bytes() < text.size());
  CHECK(place.until([&] { return place.streams() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE("network: who is abandoned gets what was written before, and is neither read nor waited for",
                          Place, network_abandons) {
  Place place;
  Pair<Place> pair(place);
  pair.start();
  SUBCASE("with all of it sent") {
    pair.near_events.write(*pair.near, bytes_of("goodbye"));
    pair.near->abandon();
    REQUIRE(place.until([&] { return pair.near_events.closed() && pair.far_events.closed(); }));
    CHECK(pair.far_events.received() == "goodbye");
    CHECK(pair.near_events.written() == 7);
  }
  SUBCASE("though it reads nothing") {
    pair.far->pause(true);
    pair.near_events.write(*pair.near, bytes_of(long_text(Place::kMuch)));
    REQUIRE(place.until([&] { return pair.near_events.written() > 0; }));
    pair.near->abandon();
    REQUIRE(place.until([&] { return pair.near_events.closed().has_value(); }));
  }
  SUBCASE("though it goes on writing") {
    pair.far_events.write(*pair.far, bytes_of(long_text(Place::kMuch)));
    REQUIRE(place.until([&] { return pair.near_events.received_bytes() > 0; }));
    pair.near->abandon();
    REQUIRE(place.until([&] { return pair.near_events.closed().has_value(); }));
    place.settle();
    CHECK(pair.near_events.after_close() == 0);
  }
  CHECK(pair.near_events.closed() == "");  // close() would say that the other side did not
  pair.far->pause(false);
  CHECK(place.until([&] { return place.streams() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE("network: a paused reader bounds what leaves the writer, and resumes where it was", Place,
                          network_pauses) {
  Place place;
  Pair<Place> pair(place);
  pair.start();
  const std::string text = long_text(Place::kMuch);
  pair.far->pause(true);
  pair.near_events.write(*pair.near, bytes_of(text));
  REQUIRE(place.until([&] { return pair.near_events.written() > 0; }));
  place.settle();
  CHECK(pair.near_events.written() < text.size());
  for (int i = 0; i < 100; ++i) {  // in one round of the loop, where CAF loses a resume
    pair.far->pause(false);
    pair.far->pause(true);
  }
  pair.far->pause(false);
  REQUIRE(place.until([&] { return pair.far_events.received_bytes() == text.size(); }));
  CHECK(pair.far_events.received() == text);
}

TEST_CASE_TEMPLATE_DEFINE("network: dropping an unstarted stream refuses the connection", Place, network_refuses) {
  Place place;
  Pair<Place> pair(place);
  pair.near->start(pair.near_events.actor());
  pair.far = nullptr;
  CHECK(place.until([&] { return pair.near_events.closed().has_value(); }));
  pair.near = nullptr;
  CHECK(place.until([&] { return place.streams() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE("network: a dial that cannot succeed fails with a reason", Place, network_fails_dials) {
  Place place;
  Probe caller(place.system());
  const base::Instant start = place.clock().now();
  const base::Instant due = start + std::chrono::milliseconds(300);
  std::string expected;
  SUBCASE("nobody listens at that port") {
    place.near().dial({place.far_host(), place.closed_port()}, due + std::chrono::minutes(1), 3, caller.actor());
    expected = "refused";
  }
  SUBCASE("nothing answers until the deadline") {
    place.near().dial(place.silent(), due, 3, caller.actor());
    expected = "no response in time";
  }
  SUBCASE("the deadline has passed before it began") {
    place.near().dial(place.silent(), start - std::chrono::seconds(1), 3, caller.actor());
    expected = "no response in time";
  }
  SUBCASE("the name is not known") {
    place.near().dial({"no-such-host.invalid", 9}, due + std::chrono::minutes(1), 3, caller.actor());
    expected = "the host is unknown";
  }
  SUBCASE("no local socket has that name") {
    place.near().dial_local("nobody.sock", due + std::chrono::minutes(1), 3, caller.actor());
    expected = "no";
  }
  REQUIRE(place.until([&] { return caller.failed().size() == 1; }));
  CHECK(caller.failed()[0].ticket == 3);
  CAPTURE(caller.failed()[0].why);
  CHECK(caller.failed()[0].why.find(expected) != std::string::npos);
  CHECK(caller.dialled() == 0);
  CHECK(place.streams() == 0);
}

TEST_CASE_TEMPLATE_DEFINE("network: an address is taken by one listener, and free again without it", Place,
                          network_listens_once) {
  Place place;
  Probe door(place.system());
  auto first = place.far().listen({place.far_host(), 0}, door.actor());
  REQUIRE(first.ok());
  const base::HostPort at{place.far_host(), first.value()->local().port};
  auto second = place.far().listen(at, door.actor());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == base::Code::conflict);
  auto foreign = place.far().listen({"192.0.2.1", 0}, door.actor());
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code == base::Code::refused);
  auto unknown = place.far().listen({"no-such-host.invalid", 0}, door.actor());
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::not_found);
  first = base::Error{};
  CHECK(place.far().listen(at, door.actor()).ok());
}

TEST_CASE_TEMPLATE_DEFINE("network: a local socket carries bytes and says which user dialled", Place, network_local) {
  Place place;
  Probe door(place.system());
  Probe caller(place.system());
  Probe near(place.system());
  Probe far(place.system());
  auto listener = place.near().listen_local("control.sock", door.actor());
  REQUIRE(listener.ok());
  place.near().dial_local("control.sock", place.clock().now() + std::chrono::minutes(1), 1, caller.actor());
  REQUIRE(place.until([&] { return door.accepted() == 1 && caller.dialled() == 1; }));
  CHECK(door.accepted(0).from.user_id.has_value());
  caller.dialled(0).stream->start(near.actor());
  door.accepted(0).stream->start(far.actor());
  caller.dialled(0).stream->write(bytes_of("status"));
  CHECK(place.until([&] { return far.received() == "status"; }));
  door.accepted(0).stream->close();
  REQUIRE(place.until([&] { return near.closed() && far.closed(); }));
  CHECK(near.closed() == "");
  auto again = place.near().listen_local("control.sock", door.actor());
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == base::Code::conflict);
  listener = base::Error{};
  CHECK(place.near().listen_local("control.sock", door.actor()).ok());
}

}  // namespace troupe::test

/// Runs the contract in one Place.
#define TROUPE_NETWORK_CONTRACT(Place)                       \
  TEST_CASE_TEMPLATE_INVOKE(network_dials, Place);           \
  TEST_CASE_TEMPLATE_INVOKE(network_moves_bytes, Place);     \
  TEST_CASE_TEMPLATE_INVOKE(network_waits_for_owner, Place); \
  TEST_CASE_TEMPLATE_INVOKE(network_closes, Place);          \
  TEST_CASE_TEMPLATE_INVOKE(network_lingers, Place);         \
  TEST_CASE_TEMPLATE_INVOKE(network_abandons, Place);        \
  TEST_CASE_TEMPLATE_INVOKE(network_pauses, Place);          \
  TEST_CASE_TEMPLATE_INVOKE(network_refuses, Place);         \
  TEST_CASE_TEMPLATE_INVOKE(network_fails_dials, Place);     \
  TEST_CASE_TEMPLATE_INVOKE(network_listens_once, Place);    \
  TEST_CASE_TEMPLATE_INVOKE(network_local, Place)
