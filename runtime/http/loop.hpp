#pragma once
// The thread of the server: it listens at the doors and owns all connections.
//
// Safety  everything that has no comment of its own belongs to the thread of the loop.
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "runtime/http/address_counts.hpp"
#include "runtime/http/beast.hpp"
#include "runtime/http/server.hpp"
#include "runtime/http/workers.hpp"

namespace troupe::http {

/// A connection, without the kind of its stream.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  /// Notifies the handler that runs, if the client has gone.
  virtual void look() = 0;
  /// Notifies the handler that runs, because the server ends.
  virtual void cancel() = 0;
  virtual void close() = 0;
};

class Loop final : public Server {
 public:
  Loop(const Limits& given, Handler& handles)
      : limits(given),
        handler(handles),
        workers(given.running_max, given.queued_max),
        streams(given.streams_max, 0),
        timer_(io),
        addresses_(given.connections_per_address, given.proxies) {}
  ~Loop() override;

  std::optional<Error> open(const std::vector<Door>& doors);
  void run();
  std::vector<base::Endpoint> local() const override { return local_; }
  /// Called in any thread.
  base::Outcome<void> renew(std::size_t door, const Certificate& certificate) override;

  /// Forgets a connection that has ended.
  void leave(const std::shared_ptr<Connection>& connection, const base::Endpoint& from);
  bool ending() const { return ending_; }

  const Limits limits;
  Handler& handler;
  asio::io_context io{1};
  std::size_t waiting_bytes = 0;  // bodies that are not streamed
  std::set<std::shared_ptr<Connection>> running;
  Workers workers, streams;

 private:
  struct Listening {
    tcp::acceptor acceptor;
    bool has_tls;
    std::shared_ptr<asio::ssl::context> tls;  // of the next connection
  };
  void accept(std::size_t door);
  void admit(std::size_t door, tcp::socket socket);
  void look();

  std::vector<Listening> doors_;
  std::vector<base::Endpoint> local_;
  asio::steady_timer timer_;
  std::set<std::shared_ptr<Connection>> connections_;
  AddressCounts addresses_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace troupe::http
