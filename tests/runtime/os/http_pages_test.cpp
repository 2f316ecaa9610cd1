// The server on loopback: who is slow, silent or many holds up neither others nor the end.
#include "runtime/os/http_pages.hpp"

#include <sys/socket.h>

#include <optional>
#include <thread>

#include "runtime/os/clock.hpp"
#include "tests/runtime/os/http_client.hpp"

using namespace troupe;
using namespace troupe::os;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

const base::HostPort kAnyPort{"127.0.0.1", 0};

HttpPageMap served_pages() {
  return {{"/page", [] { return HttpPage{.text = "the page\n"}; }},
          {"/large", [] { return HttpPage{.text = std::string(16 << 20, 'x')}; }}};
}

std::unique_ptr<HttpPages> serve(HttpLimits limits = {}) {
  auto server = HttpPages::serve(kAnyPort, served_pages(), limits);
  REQUIRE(server.ok());
  REQUIRE(server.value()->local().port != 0);
  return std::move(server).value();
}

bool is_page(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nthe page\n");
}

constexpr std::string_view kRequest = "GET /page HTTP/1.1\r\n\r\n";

}  // namespace

TEST_CASE("http: pages are served on a port of the system's choice, one after the other and many at once") {
  const auto server = serve();
  for (int i = 0; i < 20; ++i) CHECK(is_page(http_get(server->local(), "/page")));
  CHECK(http_get(server->local(), "/none").starts_with("HTTP/1.1 404 "));
  std::vector<Descriptor> clients;
  for (std::size_t i = 0; i < HttpLimits{}.connections_max; ++i) clients.push_back(connected(server->local()));
  for (const auto& client : clients) put(client, kRequest);
  for (const auto& client : clients) CHECK(is_page(rest(client)));
}

TEST_CASE("http: a request may come byte by byte, and with a body that nobody wants") {
  const auto server = serve();
  const Descriptor slow = connected(server->local());
  for (const char byte : kRequest) put(slow, {&byte, 1});
  CHECK(is_page(rest(slow)));
  const std::string post = "POST /page HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'x');
  CHECK(answer_to(server->local(), post).starts_with("HTTP/1.1 405 "));
  CHECK(is_page(answer_to(server->local(), std::string(kRequest) + std::string(kRequest))));  // one is answered
}

TEST_CASE("http: a request is as long as it may be, and one byte more is refused") {
  const auto server = serve();
  const std::string line = "GET /page HTTP/1.1\r\nX: ";
  const std::string longest = line + std::string(kRequestBytesMax - line.size() - 4, 'x') + "\r\n\r\n";
  REQUIRE(longest.size() == kRequestBytesMax);
  CHECK(is_page(answer_to(server->local(), longest)));
  CHECK(answer_to(server->local(), line + 'x' + longest.substr(line.size())).starts_with("HTTP/1.1 431 "));
  CHECK(answer_to(server->local(), std::string(kRequestBytesMax + 1, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("http: who says nothing, or does not take the answer, is left after a while") {
  const auto server = serve({.request = 30ms, .answer = 30ms});
  const Descriptor silent = connected(server->local());
  const Descriptor slow = connected(server->local());
  put(slow, kRequest.substr(0, 9));
  const Descriptor deaf = connected(server->local());
  put(deaf, "GET /large HTTP/1.1\r\n\r\n");
  CHECK(rest(silent).empty());
  CHECK(rest(slow).empty());
  // What lies in the buffers of the two kernels still comes; the page is larger than those.
  Waker(std::initializer_list<int>{}).wait(200ms);
  CHECK(rest(deaf).size() < (std::size_t{16} << 20));
  CHECK(is_page(http_get(server->local(), "/page")));
}

TEST_CASE("http: clients that hang or come in a loop push out no scrape of another group") {
  const auto server = serve({.connections_max = 8, .request = 1h, .answer = 1h});
  const Descriptor under_way = connected_from(0, 2, server->local());
  put(under_way, kRequest.substr(0, 9));
  const auto scraped = [&](std::uint8_t group, std::uint8_t host) {
    const Descriptor client = connected_from(group, host, server->local());
    put(client, kRequest);
    return is_page(rest(client));
  };
  std::vector<Descriptor> hanging;
  SUBCASE("from one address") {
    for (int i = 0; i < 20; ++i) hanging.push_back(connected_from(1, 1, server->local()));
    const Descriptor beside = connected_from(1, 2, server->local());  // another address of their group
    put(beside, kRequest.substr(0, 9));
    for (int i = 0; i < 20; ++i) hanging.push_back(connected_from(1, 1, server->local()));
    put(beside, kRequest.substr(9));
    CHECK(is_page(rest(beside)));
    CHECK(scraped(1, 1));
  }
  SUBCASE("from the addresses of one group") {
    for (std::uint8_t i = 1; i <= 40; ++i) hanging.push_back(connected_from(1, i, server->local()));
    CHECK(scraped(1, 41));
  }
  SUBCASE("from more groups than there is room for") {
    for (std::uint8_t i = 1; i <= 40; ++i) hanging.push_back(connected_from(i, 1, server->local()));
    CHECK(scraped(41, 1));
    return;  // there are as many groups as connections: the oldest of all gives way
  }
  CHECK(scraped(0, 2));
  CHECK(scraped(2, 1));
  put(under_way, kRequest.substr(9));
  CHECK(is_page(rest(under_way)));
  CHECK(rest(hanging.front()).empty());
}

TEST_CASE("http: the end waits for no client") {
  auto server = serve({.request = 1h, .answer = 1h});
  std::vector<Descriptor> hanging;
  for (int i = 0; i < 20; ++i) {
    hanging.push_back(connected(server->local()));
    put(hanging.back(), i % 10 == 9 ? "GET /large HTTP/1.1\r\n\r\n" : "GET /la");
  }
  CHECK(is_page(http_get(server->local(), "/page")));
  const base::Endpoint at = server->local();
  const Clock clock;
  const base::Instant from = clock.now();
  server.reset();
  CHECK(clock.now() - from < 500ms);
  CHECK(rest(hanging.front()).empty());
  const auto again =
      HttpPages::serve(*base::HostPort::parse(at.text()), served_pages());  // its address is free at once
  REQUIRE(again.ok());
  CHECK(again.value()->local() == at);
}

TEST_CASE("http: an address that cannot be had is an error that says why") {
  const auto server = serve();
  const auto taken = HttpPages::serve(*base::HostPort::parse(server->local().text()), served_pages());
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == base::Code::conflict);
  CHECK(taken.error().message == "cannot listen at " + server->local().text() + ": Address already in use");
  const auto foreign = HttpPages::serve({"192.0.2.1", 0}, served_pages());  // TEST-NET-1: nobody's
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code == base::Code::refused);
  const auto unknown = HttpPages::serve({std::string(64, 'x') + ".invalid", 0}, served_pages());
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::not_found);
}
