// Datagrams on loopback: the common contract, then what only Linux can do wrong.
#include "runtime/os/datagrams.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/runtime/os/datagram_contract.hpp"
#include "tests/runtime/os/os_place.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;
namespace base = troupe::base;
namespace os = troupe::os;
namespace ports = troupe::ports;
namespace runtime = troupe::runtime;
using troupe::test::bytes_of;
using troupe::test::open_descriptors;
using troupe::test::OsConfig;
using troupe::test::OsPlace;
using troupe::test::poll_until;
using troupe::test::Post;
using troupe::test::Posts;
using troupe::test::Probe;

namespace {

/// What a stranger sends: any size, straight from a socket of its own.
class RemotePeer {
 public:
  RemotePeer() : socket_(os::bind_udp({"127.0.0.1", 0}).value()) {}
  bool send(const base::Endpoint& to, std::size_t bytes) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string text(bytes, 'x');
    const auto sent = ::sendto(socket_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                               sizeof address);
    return sent == static_cast<ssize_t>(bytes);
  }

 private:
  os::Descriptor socket_;
};

bool has_v6() { return os::bind_udp({"::1", 0}).ok(); }

}  // namespace

namespace troupe::test {
TROUPE_DATAGRAM_CONTRACT(OsPlace);
}  // namespace troupe::test

TEST_CASE("datagrams: of what strangers send only 1 to kDatagramBytesMax bytes come through, all else is counted") {
  Posts<OsPlace> posts;
  auto& [place, near, far] = posts;
  const RemotePeer stranger;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, ports::kDatagramBytesMax, ports::kDatagramBytesMax + 1, std::size_t{65'507}})
    REQUIRE(stranger.send(far.at(), bytes));
  REQUIRE(place.until([&] { return far.counts().oversize == 3 && far.events.arrived() == 2; }));
  CHECK(far.counts().received == 2);
  CHECK(far.texts().front() == "x");
  CHECK(far.texts().back() == std::string(ports::kDatagramBytesMax, 'x'));
}

TEST_CASE("datagrams: nothing but what nobody wants makes no event") {
  Posts<OsPlace> posts;
  auto& [place, near, far] = posts;
  const RemotePeer stranger;
  for (int i = 0; i < 100; ++i) REQUIRE(stranger.send(far.at(), 0));
  REQUIRE(place.until([&] { return far.counts().oversize == 100; }));
  CHECK(far.events.batches().empty());
}

TEST_CASE("datagrams: a socket for all addresses speaks both families, one for IPv4 says what it cannot") {
  if (!has_v6()) return troupe::test::skip("no IPv6");
  OsPlace place;
  Post both(place.system(), place.far(), "::");
  Post four(place.system(), place.near(), "127.0.0.1");
  Post six(place.system(), place.near(), "::1");
  const base::Endpoint by_four = *base::Endpoint::parse("127.0.0.1:" + std::to_string(both.at().port));
  const base::Endpoint by_six = *base::Endpoint::parse("[::1]:" + std::to_string(both.at().port));
  four.send(by_four, "four");
  six.send(by_six, "six");
  REQUIRE(place.until([&] { return both.events.arrived() == 2; }));
  for (const auto& one : both.events.datagrams()) CHECK(one.with == (one.with.is_v4() ? four.at() : six.at()));
  both.send(four.at(), "back");
  both.send(six.at(), "back");
  CHECK(place.until([&] { return four.events.arrived() == 1 && six.events.arrived() == 1; }));
  CHECK(four.events.datagrams().front().with == by_four);
  four.send(by_six, "not from here");
  CHECK(four.counts().unsent == 1);
}

TEST_CASE("datagrams: at all addresses each says which one it came to, and an answer leaves from there") {
  OsPlace place;
  for (const char* all : {"0.0.0.0", "::"}) {
    if (all[0] == ':' && !has_v6()) {
      troupe::test::skip("no IPv6");
      continue;
    }
    CAPTURE(all);
    Post everywhere(place.system(), place.far(), all);
    Post asker(place.system(), place.near(), "127.0.0.1");
    const base::Endpoint second = *base::Endpoint::parse("127.0.0.2:" + std::to_string(everywhere.at().port));
    asker.send(second, "question");
    REQUIRE(place.until([&] { return everywhere.events.arrived() == 1; }));
    const ports::Datagram question = everywhere.events.datagrams().front();
    CHECK(question.here == second.address);
    everywhere.place->send({{question.with, bytes_of("answer"), question.here}});
    REQUIRE(place.until([&] { return asker.events.arrived() == 1; }));
    CHECK(asker.events.datagrams().front().with == second);
    CHECK(asker.events.datagrams().front().here == std::array<std::uint8_t, 16>{});  // it is at one address alone
  }
}

TEST_CASE("datagrams: what comes faster than it is read goes to the owner in batches, none above kBatchMax") {
  Posts<OsPlace> posts;
  auto& [place, near, far] = posts;
  for (int round = 0; round < 10; ++round) {
    std::vector<ports::Datagram> batch;
    for (int i = 0; i < 200; ++i) batch.push_back({far.at(), bytes_of("x")});
    near.place->send(std::move(batch));
    const auto expected = static_cast<std::uint64_t>(200 * (round + 1));
    REQUIRE(place.until([&] { return far.counts().received + far.counts().dropped == expected; }));
  }
  REQUIRE(place.until([&] { return far.events.arrived() == far.counts().received; }));
  for (const std::size_t size : far.events.batches()) {
    CHECK(size >= 1);
    CHECK(size <= os::kBatchMax);
  }
}

TEST_CASE("datagrams: in a flood each is received or counted, also what the kernel had no room for") {
  OsPlace place;
  Post far(place.system(), place.far(), "127.0.0.1");
  std::atomic<std::uint64_t> sent{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 2; ++i) {
    flood.emplace_back([&] {
      const RemotePeer stranger;
      for (int n = 0; n < 20'000; ++n) sent += stranger.send(far.at(), 1'000) ? 1 : 0;
    });
  }
  for (auto& one : flood) one.join();
  CHECK(place.until([&] { return far.counts().received + far.counts().dropped == sent; }));
  CHECK(place.until([&] { return far.events.arrived() == far.counts().received; }));
}

TEST_CASE("datagrams: a network that ends under traffic ends its places, and nothing is left of them") {
  const std::size_t before = open_descriptors();
  {
    OsConfig config;
    caf::actor_system system(config);
    os::Clock clock;
    for (int round = 0; round < 20; ++round) {
      auto network = std::make_unique<os::Network>(system, clock, "/nonexistent", 100);
      Post one(system, *network, "127.0.0.1");
      Post other(system, *network, "127.0.0.1");
      if (round % 2 == 0) other.events.hold_credits(true);
      std::atomic<bool> going{true};
      std::vector<std::thread> senders;
      for (int i = 0; i < 3; ++i) {
        senders.emplace_back([&, i] {
          const Post& from = i == 0 ? other : one;
          const base::Endpoint to = i == 0 ? one.at() : other.at();
          while (going) {
            std::vector<ports::Datagram> batch;
            for (int n = 0; n < 10; ++n) batch.push_back({to, bytes_of("x")});
            from.place->send(std::move(batch));
            [[maybe_unused]] const auto seen = from.place->counts();
          }
        });
      }
      REQUIRE(poll_until([&] { return one.events.arrived() > 0 && other.events.arrived() > 0; }));
      if (round % 4 == 3) one.place->send({});
      network = nullptr;
      const auto sent = one.counts().sent;
      one.send(other.at(), "too late");
      CHECK(one.counts().sent == sent);
      going = false;
      for (auto& thread : senders) thread.join();
    }
  }
  CHECK(poll_until([&] { return open_descriptors() == before; }));
}

TEST_CASE("datagrams: a place is dropped while others send to it and by it") {
  Posts<OsPlace> posts;
  auto& [place, near, far] = posts;
  std::atomic<bool> going{true};
  std::atomic<std::uint16_t> port{near.at().port};
  std::thread sender([&] {
    while (going) far.send({far.at().address, port.load()}, "x");
  });
  for (int round = 0; round < 50; ++round) {
    Post next(place.system(), place.near(), "127.0.0.1");
    port = next.at().port;
    CHECK(place.until([&] { return next.events.arrived() > 0; }));
  }
  going = false;
  sender.join();
}

TEST_CASE("datagrams: an owner that goes with its last handle takes its place along, in whichever thread that is") {
  const std::size_t before = open_descriptors();
  {
    OsPlace place;
    Post near(place.system(), place.near(), "127.0.0.1");
    for (int round = 0; round < 100; ++round) {
      const auto held = std::make_shared<std::unique_ptr<ports::Datagrams>>();
      runtime::Handle owner = troupe::test::spawn_scripted(
          place.system(),
          [held](caf::event_based_actor*) -> caf::behavior { return {[held](ports::StreamEvent&) {}}; });
      auto opened = place.far().open_datagrams({"127.0.0.1", 0}, owner);
      REQUIRE(opened.ok());
      const base::Endpoint at = opened.value()->local();
      *held = std::move(opened).value();
      std::thread sender([&] {
        for (int i = 0; i < 100; ++i) near.send(at, "x");
      });
      owner = nullptr;
      sender.join();
    }
  }
  CHECK(poll_until([&] { return open_descriptors() == before; }));
}
