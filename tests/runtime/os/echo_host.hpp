#pragma once
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "runtime/os/descriptor.hpp"

namespace troupe::test {

/// A host at a port of this machine: it answers each connection with the first that it was told, and ends it.
class EchoHost {
 public:
  EchoHost() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_.get(), 16) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~EchoHost() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  EchoHost(const EchoHost&) = delete;
  EchoHost& operator=(const EchoHost&) = delete;
  std::string port;

 private:
  void serve() {
    for (;;) {
      const os::Descriptor taken(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!taken.valid()) return;
      std::array<char, 256> told{};
      const ssize_t got = ::read(taken.get(), told.data(), told.size());
      if (got > 0) [[maybe_unused]]
        const auto put = ::write(taken.get(), told.data(), static_cast<std::size_t>(got));
    }
  }
  os::Descriptor socket_;
  std::thread thread_;
};

}  // namespace troupe::test
