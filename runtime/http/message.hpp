#pragma once
// A request as its handler sees it, and what the handler answers.
//
// Source  RFC 9110, RFC 9112. Header names are compared without regard to case.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"

namespace troupe::http {

/// Whether the names of two headers are the same, without regard to case.
bool same_name(std::string_view a, std::string_view b);

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Everything before the body of a request.
struct Head {
  std::string method;  ///< "GET"; as it was sent
  std::string target;  ///< path and query, still percent-encoded: "/v1/kv/get/a%2Fb?stale=true"
  Headers headers;     ///< in their order; a name may repeat
  base::Endpoint from;
  std::shared_ptr<const void> context{};  ///< what Handler::plan() passed on to Handler::handle()
  std::size_t door = 0;                   ///< the number of the door that it came through, as given to Server::serve

  /// Returns the value of the first header of that name, or nullopt.
  std::optional<std::string_view> header(std::string_view name) const;
  /// Returns how often a header of that name was sent.
  std::size_t count(std::string_view name) const;
};

/// A whole response. Content-Length and Connection are added.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

/// A request whose handler runs, in a thread that may block.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Head& head() const = 0;

  /// Returns the whole body of a request that Handler::plan() did not choose to stream.
  virtual std::string& body() = 0;
  /// Reads the next bytes of a streamed body. Returns zero at its end. Errors: `unavailable` if the client is gone,
  /// `timeout` if it is too slow, `malformed` if the body is invalid.
  virtual base::Outcome<std::size_t> read(std::span<std::uint8_t> into) = 0;

  /// Sends the response. Call it once, or begin() instead.
  virtual void respond(Response response) = 0;
  /// Sends the head of a response whose body follows by write(). `bytes`: its length; without it the body is chunked.
  virtual void begin(int status, Headers headers, std::optional<std::uint64_t> bytes) = 0;
  /// Sends a part of the body, and waits until the socket has taken it. Errors: `unavailable` if the client is gone or
  /// reads too slowly.
  virtual base::Outcome<void> write(std::string_view part) = 0;
  /// Ends a body that begin() began. Without it the connection is cut, so that the client sees an incomplete body.
  virtual void end() = 0;

  /// Calls `what` once, in the server's thread, if the client closes the connection or the server ends before the
  /// response is complete. `what` must not block, and may outlive the exchange.
  virtual void on_gone(std::function<void()> what) = 0;
};

}  // namespace troupe::http
