#pragma once
// A server for a test, whose handler does what the test says.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "runtime/http/server.hpp"
#include "tests/runtime/http/client.hpp"

namespace troupe::test {

using namespace troupe::http;
using namespace std::chrono_literals;

inline const base::HostPort kAnyPort{"127.0.0.1", 0};

/// What one thread reports and another waits for.
class Signal {
 public:
  void give() {
    const std::lock_guard hold(lock_);
    given_ = true;
    changed_.notify_all();
  }
  bool comes() {
    std::unique_lock hold(lock_);
    return changed_.wait_for(hold, kExchangeMax, [this] { return given_; });
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool given_ = false;
};

/// A handler that does what its test says; otherwise it answers with the request.
class Scripted final : public Handler {
 public:
  std::function<Plan(const Head&)> plans = [](const Head&) { return Plan{}; };
  std::function<void(Exchange&)> handles = [](Exchange& exchange) {
    const Head& head = exchange.head();
    exchange.respond({200, {}, head.method + ' ' + head.target + ' ' + exchange.body()});
  };
  std::atomic<std::size_t> handled{0};

  Plan plan(const Head& head) override { return plans(head); }
  void handle(Exchange& exchange) override {
    ++handled;
    handles(exchange);
  }
  Response refusal(int status, const std::string& why) override {
    return {status, {{"X-Refused", "yes"}}, std::to_string(status) + ": " + why};
  }

  /// Every request is streamed, and handled by `how`.
  void stream(std::function<void(Exchange&)> how) {
    plans = [](const Head&) { return Plan{.streams = true}; };
    handles = std::move(how);
  }
};

/// A server, destroyed before its handler.
struct Place {
  Scripted handler;
  Limits limits;
  std::vector<Door> doors{{kAnyPort}};
  std::unique_ptr<Server> server;

  base::Endpoint start() {
    auto served = Server::serve(doors, limits, handler);
    REQUIRE(served.ok());
    server = std::move(served).value();
    REQUIRE(server->local().size() == doors.size());
    return server->local()[0];
  }
};

inline std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}
inline std::string post(const std::string& body) {
  return "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string chunk(std::string_view bytes) {
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx", bytes.size());
  return std::string(size.data()) + "\r\n" + std::string(bytes) + "\r\n";
}
inline const std::string kChunkedPost = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
inline std::string half_body() { return post("body").substr(0, post("body").size() - 2); }
inline const std::string kLastChunk = "0\r\n\r\n";

/// Whether a client that sends `request` gets this status, and then the connection ends.
inline bool refuses(const base::Endpoint& at, std::string_view request, int status) {
  Client client(at);
  put_all(client.socket(), request);
  const Reply reply = client.next();
  INFO("got ", reply.head, reply.body);
  CHECK(reply.status == status);
  return reply.status == status && reply.whole && reply.has("X-Refused: yes") && reply.has("Connection: close") &&
         client.ended();
}

/// Reads a streamed body to its end.
inline base::Outcome<std::string> read_all(Exchange& exchange, std::size_t piece = 1'000) {
  std::string out;
  std::vector<std::uint8_t> room(piece);
  while (true) {
    const auto bytes = exchange.read(room);
    if (!bytes.ok()) return bytes.error();
    if (bytes.value() == 0) return out;
    out.append(reinterpret_cast<const char*>(room.data()), bytes.value());
  }
}

/// A certificate that signs itself, and its key; made at `kMade`.
inline constexpr std::chrono::hours kMade{24 * 365 * 56};  // in 2025
inline Certificate certificate_for(const std::string& name) {
  const std::string key = new_key();
  return {self_signed(key, {name}, base::WallTime(kMade)).value(), key};
}
inline Door tls_door() { return {kAnyPort, certificate_for("localhost")}; }

}  // namespace troupe::test
