#include "runtime/http/loop.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/http/connection.hpp"
#include "runtime/http/handled_request.hpp"
#include "runtime/http/tls.hpp"

namespace troupe::http {
namespace {

constexpr std::chrono::seconds kEndPatience{1};         // our choice
constexpr std::chrono::seconds kLookEach{1};            // our choice: how soon a closed connection ends its command
constexpr std::chrono::milliseconds kAcceptPause{100};  // our choice: while no descriptor is free
constexpr int kBacklog = 1'024;

}  // namespace

std::optional<Error> Loop::open(const std::vector<Door>& doors) {
  for (const Door& door : doors) {
    error_code why;
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(door.at.host, std::to_string(door.at.port), why);
    if (why) return Error{Code::not_found, "unknown host " + door.at.host + ": " + why.message()};
    const tcp::endpoint at = found.begin()->endpoint();
    Listening listening{tcp::acceptor(io), door.certificate.has_value(), nullptr};
    listening.acceptor.open(at.protocol(), why);
    if (!why) listening.acceptor.set_option(tcp::acceptor::reuse_address(true), why);
    if (!why) listening.acceptor.bind(at, why);
    if (!why) listening.acceptor.listen(kBacklog, why);
    if (why)
      return Error{why == asio::error::address_in_use ? Code::conflict : Code::refused,
                   "cannot listen at " + door.at.text() + ": " + why.message()};
    if (door.certificate) {
      auto tls = tls_context(*door.certificate);
      if (!tls.ok()) return tls.error();
      listening.tls = std::move(tls).value();
    }
    local_.push_back(endpoint_of(listening.acceptor.local_endpoint()));
    doors_.push_back(std::move(listening));
  }
  return std::nullopt;
}

base::Outcome<void> Loop::renew(std::size_t door, const Certificate& certificate) {
  base::ensure(door < doors_.size() && doors_[door].has_tls, "the door has TLS");
  auto tls = tls_context(certificate);
  if (!tls.ok()) return tls.error();
  // A connection made after this call is accepted after this job.
  asio::post(io, [this, door, tls = std::move(tls).value()] { doors_[door].tls = tls; });
  return {};
}

void Loop::run() {
  for (std::size_t door = 0; door < doors_.size(); ++door) accept(door);
  look();
  thread_ = std::thread([this] { io.run(); });
}

void Loop::accept(std::size_t door) {
  doors_[door].acceptor.async_accept([this, door](const error_code& why, tcp::socket socket) {
    if (ending_ || why == asio::error::operation_aborted) return;
    if (!why) admit(door, std::move(socket));
    if (!why || why == asio::error::connection_aborted) return accept(door);
    // Descriptors or memory are used up: a short wait, because the waiting connection would be reported at once again.
    auto pause = std::make_shared<asio::steady_timer>(io, kAcceptPause);
    pause->async_wait([this, door, pause](const error_code&) {
      if (!ending_) accept(door);
    });
  });
}

void Loop::admit(std::size_t door, tcp::socket socket) {
  error_code why;
  const tcp::endpoint remote = socket.remote_endpoint(why);
  if (why) return;
  const base::Endpoint from = endpoint_of(remote);
  if (connections_.size() >= limits.connections_max || !addresses_.enter(from)) return;
  socket.set_option(tcp::no_delay(true), why);
  std::shared_ptr<Connection> connection;
  if (const auto& tls = doors_[door].tls)
    connection = std::make_shared<ConnectionOf<beast::ssl_stream<beast::tcp_stream>>>(*this, door, from,
                                                                                      std::move(socket), *tls);
  else connection = std::make_shared<ConnectionOf<beast::tcp_stream>>(*this, door, from, std::move(socket));
  connections_.insert(connection);
  connection->start();
}

void Loop::leave(const std::shared_ptr<Connection>& connection, const base::Endpoint& from) {
  if (connections_.erase(connection) == 0) return;
  running.erase(connection);
  addresses_.leave(from);
}

void Loop::look() {
  timer_.expires_after(kLookEach);
  timer_.async_wait([this](const error_code& why) {
    if (why || ending_) return;
    for (const auto& connection : std::set(running)) connection->look();
    look();
  });
}

Loop::~Loop() {
  auto work = asio::make_work_guard(io);  // handlers may still wait for the loop
  ending_ = true;
  asio::post(io, [this] {
    for (Listening& door : doors_) door.acceptor.close();
    for (const auto& connection : std::set(connections_))
      running.contains(connection) ? connection->cancel() : connection->close();
    timer_.expires_after(kEndPatience);  // for the handlers that now end their responses
    timer_.async_wait([this](const error_code& why) {
      if (why) return;
      for (const auto& connection : std::set(connections_)) connection->close();
    });
  });
  workers.end();
  streams.end();
  asio::post(io, [this] {
    timer_.cancel();
    for (const auto& connection : std::set(connections_)) connection->close();
  });
  work.reset();
  if (thread_.joinable()) thread_.join();
}

base::Outcome<std::unique_ptr<Server>> Server::serve(std::vector<Door> doors, const Limits& limits, Handler& handler) {
  auto loop = std::make_unique<Loop>(limits, handler);
  if (auto wrong = loop->open(doors)) return *wrong;
  loop->run();
  return std::unique_ptr<Server>(std::move(loop));
}

}  // namespace troupe::http
