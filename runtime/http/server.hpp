#pragma once
// An HTTP/1.1 server, plain or over TLS: one thread moves the bytes of all connections, and a pool of threads runs the
// handlers, which may block.
//
// Source  RFC 9112; parsed by Boost.Beast, encrypted by OpenSSL. Only this folder includes them.
// Takes   keep-alive, one request at a time per connection; `Expect: 100-continue`. Refuses a transfer coding other than
//         exactly `chunked`, and a body with both a length and a coding. Ignores an upgrade.
// TLS     versions 1.2 and 1.3. A handshake has the time limit of a head. Above it the connection is closed.
// Limits  Limits. A request above a limit is answered with 408, 413, 414, 431, 503 or 505, and its connection is closed.
// Safety  any bytes may come. The handler is called from several threads.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/time.hpp"
#include "runtime/http/certificate.hpp"
#include "runtime/http/message.hpp"

namespace troupe::http {

struct Limits {
  std::size_t connections_max = 4'096;
  std::size_t connections_per_address = 64;    ///< a /64 for IPv6; not counted for loopback addresses and proxies
  std::vector<base::Endpoint> proxies{};       ///< addresses that connect for many clients; their ports are not used
  std::size_t header_bytes_max = 16u << 10;    ///< request line and headers
  std::uint64_t body_bytes_max = 4u << 20;     ///< a body that is not streamed
  std::size_t waiting_bytes_max = 256u << 20;  ///< all bodies that are not streamed
  std::size_t running_max = 64;                ///< handlers that run at once, without streams
  std::size_t streams_max = 128;               ///< handlers of streamed requests or responses that run at once
  std::size_t queued_max = 1'024;              ///< requests that wait for a thread
  base::Duration head_timeout = std::chrono::seconds{10};  ///< from the first byte of a request to the end of its head
  base::Duration idle_timeout = std::chrono::seconds{60};  ///< between two requests
  base::Duration body_timeout = std::chrono::seconds{30};  ///< for a whole body, or for each part of a streamed one
};

/// An address at which the server listens.
struct Door {
  base::HostPort at;
  std::optional<Certificate> certificate{};  ///< nullopt: plain HTTP
};

class Handler {
 public:
  virtual ~Handler() = default;
  /// How the server treats a request whose head has been read.
  struct Plan {
    bool streams = false;                   ///< the handler reads or writes its body in parts, and may run for long
    std::optional<Response> answer;         ///< sent at once, without reading the body, and without a thread
    std::shared_ptr<const void> context{};  ///< for handle(), in Head::context
  };
  /// Called in the thread of all connections; must not block.
  virtual Plan plan(const Head& head) = 0;
  /// Called in a thread of the pool. Must respond.
  virtual void handle(Exchange& exchange) = 0;
  /// Returns the response for a request that the server refuses itself, for example with status 431.
  virtual Response refusal(int status, const std::string& why) = 0;
};

class Server {
 public:
  /// Serves at all doors until the Server is destroyed. Errors: `conflict` if an address is in use, `refused` if this
  /// machine does not have it, `not_found` if a host is unknown, `malformed` if a certificate or its key is invalid.
  static base::Outcome<std::unique_ptr<Server>> serve(std::vector<Door> doors, const Limits& limits, Handler& handler);
  virtual ~Server() = default;

  /// Returns where each door listens.
  virtual std::vector<base::Endpoint> local() const = 0;

  /// Uses the certificate for all later connections at a door with TLS, the number of which is its place in the vector
  /// given to serve(). Errors: `malformed` if the certificate or its key is invalid; then the door keeps the old
  /// certificate.
  virtual base::Outcome<void> renew(std::size_t door, const Certificate& certificate) = 0;
};

}  // namespace troupe::http
