#include "runtime/net/logic/seats.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using net::Seats;
using net::Turned;
using test::kStart;

namespace {

/// An address of its own in each /64, of which 65,536 are in a /48.
base::Endpoint at(unsigned site, unsigned line = 0) {
  base::Endpoint out{.port = 4'000};
  out.address = {0x20, 0x01, 0x0d, 0xb8};
  out.address[4] = static_cast<std::uint8_t>(site >> 8);
  out.address[5] = static_cast<std::uint8_t>(site);
  out.address[6] = static_cast<std::uint8_t>(line >> 8);
  out.address[7] = static_cast<std::uint8_t>(line);
  return out;
}

}  // namespace

TEST_CASE("seats: the links and handshakes of one line are limited, and other lines are not affected") {
  Seats seats({.links_per_address_max = 3, .handshakes_per_address_max = 2}, kStart);
  const auto first = seats.admit(at(1), kStart), second = seats.admit(at(1), kStart);
  REQUIRE((first.ok() && second.ok()));
  CHECK(seats.admit(at(1), kStart).error() == Turned::handshakes_of_address);
  CHECK(seats.admit(at(1, 1), kStart).ok());
  seats.settle(first.value().seat);
  CHECK(seats.admit(at(1), kStart).ok());
  CHECK(seats.admit(at(1), kStart).error() == Turned::too_many_of_address);
  seats.leave(second.value().seat);
  seats.leave(second.value().seat);
  CHECK(seats.admit(at(1), kStart).ok());
  seats.check();
}

TEST_CASE("seats: who holds many handshakes open makes room for others, the oldest first") {
  Seats seats({.handshakes_max = 64, .handshakes_per_second = 10'000}, kStart);
  std::deque<std::uint64_t> silent;
  for (unsigned i = 0; i < 500; ++i) {
    const auto given = seats.admit(at(1, i), kStart);
    REQUIRE(given.ok());
    if (given.value().gives_way) {
      CHECK(*given.value().gives_way == silent.front());
      silent.pop_front();
    }
    silent.push_back(given.value().seat);
  }
  CHECK(seats.handshakes() == 32);  // shares bind from half of all on
  for (unsigned i = 0; i < 40; ++i) {
    const auto given = seats.admit(at(100 + i), kStart);
    REQUIRE(given.ok());
    if (given.value().gives_way) CHECK(*given.value().gives_way == silent.front());
    if (given.value().gives_way) silent.pop_front();
  }
  CHECK(seats.handshakes() == 56);
  seats.check();
}

TEST_CASE("seats: of groups that have equally many handshakes open, the one that waits longest makes room") {
  Seats seats({.handshakes_max = 16, .handshakes_per_second = 10'000}, kStart);
  for (unsigned i = 0; i < 14; ++i) REQUIRE(seats.admit(at(100 - i), kStart).ok());
  // The site with the lowest address is the last that came, and is not the one that leaves.
  for (unsigned i = 0; i < 14; ++i) {
    const auto given = seats.admit(at(50 - i), kStart);
    REQUIRE(given.ok());
    CHECK(given.value().gives_way == i + 1);
  }
  seats.check();
}

TEST_CASE("seats: a flood of handshakes spends what its neighbourhood may, and an honest node gets in") {
  Seats seats({.handshakes_per_second = 64}, kStart);
  base::Instant now = kStart;
  std::uint64_t served = 0, honest = 0;
  for (unsigned i = 0; i < 50'000; ++i) {
    now = now + 200us;  // 5,000 a second of one /48, each of which ends at once
    if (const auto given = seats.admit(at(1, i % 32), now); given.ok()) {
      ++served;
      seats.leave(given.value().seat);
    }
    if (i % 2'500 != 0) continue;
    const auto given = seats.admit(at(2), now);
    REQUIRE(given.ok());
    ++honest;
    seats.leave(given.value().seat);
  }
  CHECK(served + honest <= 128 + 10 * 64);
}

TEST_CASE("seats: links that others make leave a reserve for those that this node dials") {
  Seats seats({.links_max = 16, .links_per_address_max = 100}, kStart);
  for (unsigned i = 0; i < 14; ++i) {
    const auto given = seats.admit(at(i), kStart);
    REQUIRE(given.ok());
    seats.settle(given.value().seat);
  }
  CHECK(seats.admit(at(99), kStart).error() == Turned::too_many_links);
  seats.leave(1);
  CHECK(seats.admit(at(99), kStart).ok());
}

TEST_CASE("seats: whatever comes and goes, the limits hold and nothing is left of what has gone") {
  base::Random random(5);
  const net::LinkLimits limits{.links_max = 40,
                               .links_per_address_max = 6,
                               .handshakes_per_address_max = 3,
                               .handshakes_max = 16,
                               .handshakes_per_second = 100'000};
  Seats seats(limits, kStart);
  std::deque<std::uint64_t> held;
  for (std::uint64_t i = 0; i < test::rounds(100'000); ++i) {
    const auto now = kStart + std::chrono::milliseconds(i);
    const std::size_t place = held.empty() ? 0 : random.below(held.size());
    switch (random.below(3)) {
      case 0: {
        const auto given =
            seats.admit(at(static_cast<unsigned>(random.below(3)), static_cast<unsigned>(random.below(9))), now);
        if (!given.ok()) break;
        if (given.value().gives_way) std::erase(held, *given.value().gives_way);
        held.push_back(given.value().seat);
        break;
      }
      case 1:
        if (held.empty() || seats.settle(held[place])) break;
        [[fallthrough]];
      default:
        if (held.empty()) break;
        seats.leave(held[place]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(place));
    }
    seats.check();
    REQUIRE(seats.taken() == held.size());
    REQUIRE(seats.taken() - seats.handshakes() <= 35);
    REQUIRE(seats.handshakes() <= 14);
  }
  for (const std::uint64_t one : held) seats.leave(one);
  CHECK(seats.taken() == 0);
  seats.check();
}
