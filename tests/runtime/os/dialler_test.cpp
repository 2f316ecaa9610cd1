// Dials to sockets of this machine.
#include "runtime/os/dialler.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>

#include "runtime/os/clock.hpp"
#include "tests/runtime/os/loopback.hpp"
#include "tests/runtime/os/os_place.hpp"

namespace troupe::os {
namespace {

using namespace std::chrono_literals;
using test::connected;
using test::Listening;
using test::poll_until;

}  // namespace

TEST_CASE("dialler: addresses that do not answer make room, so that they make no other dial wait") {
  const Clock clock;
  // Who listens here accepts no one, and the places of those that wait are taken: a further one hears nothing.
  Listening mute, host;
  REQUIRE(::listen(mute.socket.get(), 0) == 0);
  const Descriptor waits = connected(mute.port);
  std::atomic<bool> over = false, there = false;
  Dialler dialler(clock);
  const base::Instant due = clock.now() + 10s;
  for (std::size_t i = 0; i < kConnectsMax + 16; ++i)
    dialler.dial(*base::HostPort::parse(mute.text()), due, [](Dialler::Result) {});
  dialler.dial(*base::HostPort::parse(host.text()), due, [&](Dialler::Result result) {
    there = result.socket.valid();
    over = true;
  });
  REQUIRE(poll_until([&] { return over.load(); }));
  CHECK(there);
}

}  // namespace troupe::os
