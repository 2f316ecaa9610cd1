#pragma once
// A small HTTP server for pages that are generated at once, such as metrics: one thread waits for all clients.
//
// Why one     a slow client costs a descriptor and some bytes, never a thread. So no client delays another, and the
//             server can always end at once.
// Limits      HttpLimits. Above `connections_max` a connection is evicted: in the address group with the most
//             connections, the oldest of the address with the most. A request above kRequestBytesMax gets a 431. One
//             request per connection.
// Owner       the code that runs the node; the pages' functions run in the server's thread and must not wait.
// Not here    the responses (http_answer.hpp). No TLS and no passwords: for loopback, or behind a proxy that has them.
#include <memory>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/os/http_answer.hpp"

namespace troupe::os {

struct HttpLimits {
  std::size_t connections_max = 64;                  // our choice: a few scrapers, and some that hang
  base::Duration request = std::chrono::seconds{3};  ///< time from the connection to the end of the request
  base::Duration answer = std::chrono::seconds{5};   ///< from then until the client has read the response and closed
};

class HttpPages {
 public:
  /// Serves at the address `at`; port 0 picks a port. Resolves the host, and so may block unless the host is numeric.
  /// Errors: `conflict` if the address is in use, `refused` if this machine does not have it, `not_found` if the host
  /// is unknown, `overloaded` if the process has no descriptor or thread left.
  static base::Outcome<std::unique_ptr<HttpPages>> serve(const base::HostPort& at, HttpPageMap pages,
                                                         HttpLimits limits = {});
  /// Ends all connections at once.
  ~HttpPages();
  HttpPages(const HttpPages&) = delete;
  HttpPages& operator=(const HttpPages&) = delete;

  /// Returns its address.
  const base::Endpoint& local() const;

 private:
  class Loop;
  explicit HttpPages(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace troupe::os
