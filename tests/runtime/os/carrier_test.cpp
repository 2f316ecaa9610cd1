// Connections of programs that the node carries to hosts, with sockets of this machine at both ends.
#include "runtime/os/carrier.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/os/clock.hpp"
#include "tests/runtime/os/loopback.hpp"
#include "tests/runtime/os/os_place.hpp"

namespace troupe::os {
namespace {

using test::connected;
using test::Listening;
using test::poll_until;

bool readable(int descriptor, int milliseconds) {
  pollfd one{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("carrier: a host that resets, or has ended, while its program does not read, gives the node no work") {
  const Clock clock;
  Carrier carrier(clock);
  REQUIRE(carrier.descriptor() >= 0);
  Listening host, inside;
  const std::uint16_t door = inside.port;
  std::vector<Descriptor> listeners;
  listeners.push_back(std::move(inside.socket));
  carrier.add(1, std::move(listeners), {*base::HostPort::parse(host.text())},
              {.listed = {*base::Endpoint::parse(host.text())}, .own = {}});

  Descriptor program = connected(door);
  REQUIRE(poll_until([&] {
    carrier.step();
    return readable(host.socket.get(), 0);
  }));
  Descriptor served(::accept4(host.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  REQUIRE(served.valid());
  // As much as lies in the buffers on the way.
  const std::vector<char> much(1 << 20, 'x');
  std::size_t idle = 0;
  while (idle < 100) {
    const bool wrote = ::send(served.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0;
    idle = wrote || readable(carrier.descriptor(), 0) ? 0 : idle + 1;
    carrier.step();
    ::poll(nullptr, 0, 1);
  }
  SUBCASE("reset") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE(::setsockopt(served.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    served.reset();
  }
  SUBCASE("ended, as its program has said all") {
    REQUIRE(::shutdown(program.get(), SHUT_WR) == 0);
    served.reset();
  }
  REQUIRE(poll_until([&] {
    carrier.step();
    return !readable(carrier.descriptor(), 20);
  }));
  // What had come before is there for the program; the node may have passed on all of it.
  CHECK(carrier.carried() <= 1);
  std::vector<char> got(1 << 16);
  std::size_t read = 0;
  REQUIRE(poll_until([&] {
    carrier.step();
    const ssize_t more = ::recv(program.get(), got.data(), got.size(), MSG_DONTWAIT);
    if (more > 0) read += static_cast<std::size_t>(more);
    return more == 0 || (more < 0 && errno != EAGAIN);
  }));
  CHECK(read >= kCarriedBytes);
  CHECK(carrier.carried() == 0);
}

TEST_CASE("carrier: whatever some processes hold, another one has connections, too") {
  const Clock clock;
  Carrier carrier(clock);
  REQUIRE(carrier.descriptor() >= 0);
  const Listening host;
  std::vector<Descriptor> programs;
  // How many of `count` connections of a new process are carried.
  const auto carried = [&](Carrier::Process process, std::size_t count) {
    Listening inside;
    const std::uint16_t door = inside.port;
    std::vector<Descriptor> listeners;
    listeners.push_back(std::move(inside.socket));
    carrier.add(process, std::move(listeners), {*base::HostPort::parse(host.text())},
                {.listed = {*base::Endpoint::parse(host.text())}, .own = {}});
    const std::size_t before = carrier.carried();
    for (std::size_t i = 0; i < count; ++i) {
      programs.push_back(connected(door));
      const bool taken = poll_until([&] {
        const std::size_t had = carrier.carried();
        carrier.step();
        return carrier.carried() > had || readable(programs.back().get(), 0);  // it was closed at once
      });
      REQUIRE(taken);
    }
    return carrier.carried() - before;
  };
  CHECK(carried(1, kCarriedMax + 1) == kCarriedMax);
  CHECK(carried(2, kCarriedMax + 1) == kCarriedMax);
  CHECK(carried(3, kCarriedMax + 1) == kCarriedMax);
  CHECK(carried(4, kCarriedMax) == kCarriedMax / 2);
  CHECK(carried(5, kCarriedMax) == kCarriedMax / 4);
  CHECK(carried(6, 1) == 1);
  carrier.remove(1);
  CHECK(carried(7, kCarriedMax) >= kCarriedMax / 2);
}

}  // namespace troupe::os
