#pragma once
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "tests/runtime/os/loopback.hpp"

namespace troupe::test {

/// A host at a port of this machine: it answers each connection with the first that it was told, and ends it.
class EchoHost {
 public:
  EchoHost() : thread_([this] { serve(); }) {}
  ~EchoHost() {
    ::shutdown(listening_.socket.get(), SHUT_RDWR);
    thread_.join();
  }
  EchoHost(const EchoHost&) = delete;
  EchoHost& operator=(const EchoHost&) = delete;
  std::string port() const { return std::to_string(listening_.port); }

 private:
  void serve() {
    for (;;) {
      const os::Descriptor taken(::accept4(listening_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!taken.valid()) return;
      std::array<char, 256> told{};
      const ssize_t got = ::read(taken.get(), told.data(), told.size());
      if (got > 0) [[maybe_unused]]
        const auto put = ::write(taken.get(), told.data(), static_cast<std::size_t>(got));
    }
  }
  Listening listening_;
  std::thread thread_;
};

}  // namespace troupe::test
