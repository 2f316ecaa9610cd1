// The real network on loopback: the common contract, then what only Linux can do wrong.
#include "runtime/os/network.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/os/clock.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/stream_broker.hpp"
#include "tests/runtime/os/network_contract.hpp"
#include "tests/runtime/os/os_place.hpp"

using namespace std::chrono_literals;
namespace base = troupe::base;
namespace os = troupe::os;
namespace ports = troupe::ports;
using troupe::test::bytes_of;
using troupe::test::long_text;
using troupe::test::open_descriptors;
using troupe::test::OsConfig;
using troupe::test::OsPlace;
using troupe::test::Pair;
using troupe::test::poll_until;
using troupe::test::Probe;

namespace troupe::test {
TROUPE_NETWORK_CONTRACT(OsPlace);
}  // namespace troupe::test

TEST_CASE("network: no descriptor is left, however streams and listeners ended") {
  const std::size_t before = open_descriptors();
  {
    OsPlace place;
    Pair<OsPlace> dropped(place);
    Pair<OsPlace> unstarted(place);
    unstarted.near->close();
    Pair<OsPlace> closed(place);
    closed.start();
    closed.near->close();
    Pair<OsPlace> silent(place);
    silent.start();
    silent.far->pause(true);
    silent.near->write(bytes_of(long_text(OsPlace::kMuch)));
    Probe caller(place.system());
    place.near().dial(place.silent(), place.clock().now() + 1h, 1, caller.actor());
    place.near().dial({"localhost", 1}, place.clock().now() + 1h, 2, caller.actor());
    dropped.near = nullptr;
    CHECK(place.until([&] { return dropped.near == nullptr && silent.near_events.written() > 0; }));
  }
  CHECK(poll_until([&] { return open_descriptors() == before; }));
}

TEST_CASE("network: an owner that handles nothing stops the reading after a bound, and restarts it by handling") {
  OsPlace place;
  Pair<OsPlace> pair(place);
  pair.far_events.hold_credits(true);
  pair.start();
  const std::string text = long_text(OsPlace::kMuch);
  pair.near->write(bytes_of(text));
  REQUIRE(place.until([&] { return pair.far_events.received_bytes() >= os::kUnreadMax; }));
  place.settle();
  CHECK(pair.far_events.received_bytes() <= os::kUnreadMax + os::kWindowMax);
  pair.far_events.hold_credits(false);
  REQUIRE(place.until([&] { return pair.far_events.received_bytes() == text.size(); }));
  CHECK(pair.far_events.received() == text);
}

TEST_CASE("network: owners that handle nothing stop the reading of all streams after a bound, but of none for good") {
  constexpr std::size_t kAll = 2 * os::kUnreadMax;
  OsPlace place(100, kAll);
  std::vector<std::unique_ptr<Pair<OsPlace>>> slow;
  for (int i = 0; i < 6; ++i) {
    slow.push_back(std::make_unique<Pair<OsPlace>>(place));
    slow.back()->far_events.hold_credits(true);
    slow.back()->start();
    slow.back()->near->write(bytes_of(long_text(2 * os::kUnreadMax)));
  }
  const auto unread = [&] {
    std::size_t all = 0;
    for (const auto& one : slow) all += one->far_events.received_bytes();
    return all;
  };
  REQUIRE(place.until([&] { return unread() >= kAll; }));
  place.settle();
  CHECK(unread() <= kAll + slow.size() * os::kWindowMax);
  Pair<OsPlace> other(place);
  other.start();
  const std::string text = long_text(1'000'000);
  other.near->write(bytes_of(text));
  REQUIRE(place.until([&] { return other.far_events.received_bytes() == text.size(); }));
  CHECK(other.far_events.received() == text);
  for (const auto& one : slow) one->far_events.hold_credits(false);
  CHECK(place.until([&] { return unread() == slow.size() * 2 * os::kUnreadMax; }));
}

TEST_CASE("network: the window grows under load, so that a long text comes in large pieces") {
  OsPlace place;
  Pair<OsPlace> pair(place);
  pair.start();
  pair.near->write(bytes_of(long_text(OsPlace::kMuch)));
  REQUIRE(place.until([&] { return pair.far_events.received_bytes() == OsPlace::kMuch; }));
  CHECK(pair.far_events.pieces() < OsPlace::kMuch / (8 * os::kWindowMin));
}

TEST_CASE("network: beyond streams_max nobody is accepted until a stream has ended") {
  OsPlace place(2);
  Probe door(place.system());
  auto listener = place.far().listen({"127.0.0.1", 0}, door.actor());
  REQUIRE(listener.ok());
  std::vector<os::Descriptor> callers;
  for (int i = 0; i < 4; ++i) callers.push_back(os::connect_tcp(listener.value()->local()).value());
  REQUIRE(place.until([&] { return door.accepted() == 2; }));
  place.settle();
  CHECK(door.accepted() == 2);
  CHECK(place.far().streams() == 2);
  door.forget_streams();
  REQUIRE(place.until([&] { return door.accepted() == 2; }));
  CHECK(place.far().streams() == 2);
}

TEST_CASE("network: a thousand connections that say nothing cost no broker, and are let go by dropping") {
  os::raise_descriptor_limit();
  OsPlace place;
  Probe door(place.system());
  auto listener = place.far().listen({"127.0.0.1", 0}, door.actor());
  REQUIRE(listener.ok());
  const std::size_t actors = place.system().registry().running();
  std::vector<os::Descriptor> callers;
  for (std::size_t i = 1; i <= 1'000; ++i) {
    callers.push_back(os::connect_tcp(listener.value()->local()).value());
    if (i % 100 == 0) REQUIRE(place.until([&] { return door.accepted() == i; }));
  }
  CHECK(place.far().streams() == 1'000);
  CHECK(place.system().registry().running() == actors);
  door.forget_streams();
  CHECK(place.far().streams() == 0);
}

TEST_CASE("network: a stream that the other side resets ends with a reason") {
  OsPlace place;
  Probe door(place.system());
  Probe events(place.system());
  auto listener = place.far().listen({"127.0.0.1", 0}, door.actor());
  REQUIRE(listener.ok());
  os::Descriptor caller = os::connect_tcp(listener.value()->local()).value();
  REQUIRE(place.until([&] { return door.accepted() == 1; }));
  door.accepted(0).stream->start(events.actor());
  const linger at_once{1, 0};
  ::setsockopt(caller.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  caller.reset();
  REQUIRE(place.until([&] { return events.closed().has_value(); }));
  CHECK(events.closed() == "connection reset by the other side");
}

TEST_CASE("network: a network that ends closes its streams, and what is done to them afterwards is harmless") {
  OsConfig config;
  caf::actor_system system(config);
  os::Clock clock;
  auto network = std::make_unique<os::Network>(system, clock, "/nonexistent", 100);
  Probe door(system);
  Probe caller(system);
  Probe events(system);
  auto listener = network->listen({"127.0.0.1", 0}, door.actor());
  REQUIRE(listener.ok());
  network->dial({"127.0.0.1", listener.value()->local().port}, clock.now() + 1min, 1, caller.actor());
  REQUIRE(poll_until([&] { return caller.dialled() == 1 && door.accepted() == 1; }));
  const auto started = caller.dialled(0).stream;
  const auto unstarted = door.accepted(0).stream;
  started->start(events.actor());
  network = nullptr;
  REQUIRE(poll_until([&] { return events.closed().has_value(); }));
  started->write(bytes_of("too late"));
  started->close();
  unstarted->start(door.actor());
  CHECK(poll_until([&] { return door.closed().has_value(); }));
  listener = base::Error{};
}

TEST_CASE("network: a dial whose turn never comes is refused when too many are under way") {
  OsPlace place;
  Probe caller(place.system());
  const base::HostPort silent = place.silent();
  for (std::size_t i = 0; i < os::kDialsMax + 5; ++i) {
    place.near().dial(silent, place.clock().now() + 1h, i, caller.actor());
  }
  REQUIRE(place.until([&] { return caller.failed().size() >= 5; }));
  CHECK(caller.failed()[0].why == "too many dials are in progress");
}

TEST_CASE("network: a local socket is for its user alone, and a stale one is taken over") {
  OsPlace place;
  Probe door(place.system());
  const std::string path = place.directory() + "/control.sock";
  {
    // Bound and closed without removing the name, as after SIGKILL.
    const auto killed = os::listen_local(path);
    REQUIRE(killed.ok());
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK(std::filesystem::exists(path));
  auto listener = place.near().listen_local("control.sock", door.actor());
  REQUIRE(listener.ok());
  listener = base::Error{};
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("network: a file in the place of a local socket is left alone") {
  OsPlace place;
  Probe door(place.system());
  std::ofstream(place.directory() + "/control.sock") << "precious";
  auto listener = place.near().listen_local("control.sock", door.actor());
  REQUIRE_FALSE(listener.ok());
  CHECK(listener.error().code == base::Code::conflict);
  CHECK(std::filesystem::file_size(place.directory() + "/control.sock") == 8);
}

TEST_CASE("network: a local socket that another user serves is not talked to") {
  if (::geteuid() != 0) return troupe::test::skip("only root can listen as another user");
  OsPlace place;
  Probe caller(place.system());
  const std::string path = place.directory() + "/control.sock";
  std::filesystem::permissions(place.directory(), std::filesystem::perms::all);
  constexpr uid_t kStranger = 65'534;
  REQUIRE(::seteuid(kStranger) == 0);
  const auto listening = os::listen_local(path);
  REQUIRE(::seteuid(0) == 0);
  REQUIRE(listening.ok());
  CHECK(os::local_server(path) == kStranger);
  place.near().dial_local(path, place.clock().now() + 1min, 1, caller.actor());
  REQUIRE(place.until([&] { return caller.failed().size() == 1; }));
  CHECK(caller.failed()[0].why == "the listening process belongs to neither this user nor root");
  CHECK(caller.dialled() == 0);
}

TEST_CASE("network: a local socket works below a path that is too long for the kernel") {
  OsPlace place;
  Probe door(place.system());
  Probe caller(place.system());
  std::string deep = place.directory();
  while (deep.size() < 300) deep += "/a-directory-with-a-long-name";
  std::filesystem::create_directories(deep);
  auto listener = place.near().listen_local(deep + "/control.sock", door.actor());
  REQUIRE(listener.ok());
  place.near().dial_local(deep + "/control.sock", place.clock().now() + 1min, 1, caller.actor());
  CHECK(place.until([&] { return caller.dialled() == 1 && door.accepted() == 1; }));
  auto nameless = place.near().listen_local(deep + "/" + std::string(200, 'n'), door.actor());
  REQUIRE_FALSE(nameless.ok());
  CHECK(nameless.error().code == base::Code::malformed);
}
