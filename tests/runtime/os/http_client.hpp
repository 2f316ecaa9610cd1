#pragma once
// One HTTP exchange over loopback, for tests: bytes out, then all that comes back.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "runtime/os/sockets.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::test {

inline constexpr std::chrono::seconds kExchangeMax{30};  // a bound for broken code, never a wait for working code

/// A connection that is made.
inline os::Descriptor connected(const base::Endpoint& to) {
  auto socket = os::connect_tcp(to);
  REQUIRE(socket.ok());
  os::Waker waker({});
  waker.wait(kExchangeMax, os::Waker::Watched{socket.value().get(), os::Waker::Want::writing});
  REQUIRE(os::connect_error(socket.value()) == 0);
  return std::move(socket).value();
}

/// A connection over IPv4 that comes from 127.0.`group`.`host`.
inline os::Descriptor connected_from(std::uint8_t group, std::uint8_t host, const base::Endpoint& to) {
  os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{}, other{};
  own.sin_family = other.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xff000000U) | std::uint32_t{group} << 8 | host);
  other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  other.sin_port = htons(to.port);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0);
  REQUIRE(::fcntl(socket.get(), F_SETFL, O_NONBLOCK) == 0);
  return socket;
}

inline void put(const os::Descriptor& socket, std::string_view bytes) {
  CHECK(::write(socket.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

/// All that comes until the other side ends the connection, in order or not.
inline std::string rest(const os::Descriptor& socket) {
  std::string out;
  std::array<char, 4'096> room;
  while (true) {
    const std::array<int, 1> watched{socket.get()};
    if (!os::Waker::readable(watched, kExchangeMax)[0]) FAIL("the other side neither answers nor ends");
    const ssize_t bytes = ::read(socket.get(), room.data(), room.size());
    if (bytes < 0 && errno == EAGAIN) continue;
    if (bytes <= 0) return out;
    out.append(room.data(), static_cast<std::size_t>(bytes));
  }
}

inline std::string answer_to(const base::Endpoint& to, std::string_view request) {
  const os::Descriptor socket = connected(to);
  put(socket, request);
  return rest(socket);
}

/// The whole answer to GET.
inline std::string http_get(const base::Endpoint& from, const std::string& path) {
  return answer_to(from, "GET " + path + " HTTP/1.1\r\nHost: " + from.text() + "\r\n\r\n");
}

}  // namespace troupe::test
