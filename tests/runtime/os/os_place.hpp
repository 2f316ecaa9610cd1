#pragma once
// The real network on loopback, as a Place for the contracts of the network (network_contract.hpp).
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "runtime/os/clock.hpp"
#include "runtime/os/network.hpp"
#include "runtime/os/sockets.hpp"

namespace troupe::test {

inline constexpr int kPatienceSeconds = 30;  // a bound for broken code, never a wait for working code

class OsDirectory {
 public:
  OsDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe-os-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~OsDirectory() { std::filesystem::remove_all(path_); }
  OsDirectory(const OsDirectory&) = delete;
  OsDirectory& operator=(const OsDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct OsConfig : caf::actor_system_config {
  OsConfig() { os::configure_network(*this); }
};

/// Looks again after a millisecond, as there is nothing to wait for that all claims share.
inline bool poll_until(const std::function<bool()>& claim) {
  for (int i = 0; i < kPatienceSeconds * 1'000; ++i) {
    if (claim()) return true;
    ::poll(nullptr, 0, 1);
  }
  return claim();
}

class OsPlace {
 public:
  static constexpr std::size_t kMuch = 20'000'000;

  explicit OsPlace(std::size_t streams_max = 10'000, std::size_t unread_max = os::kUnreadOfAllMax)
      : streams_max_(streams_max), unread_max_(unread_max) {}

  caf::actor_system& system() { return system_; }
  os::Clock& clock() { return clock_; }
  os::Network& near() { return near_; }
  os::Network& far() { return far_; }
  std::string near_host() const { return "127.0.0.1"; }
  std::string far_host() const { return "127.0.0.1"; }
  const std::string& directory() const { return directory_.path(); }
  bool until(const std::function<bool()>& claim) { return poll_until(claim); }
  void settle() { ::poll(nullptr, 0, 50); }
  std::size_t streams() const { return near_.streams() + far_.streams(); }

  std::uint16_t closed_port() const {
    auto socket = os::listen_tcp({"127.0.0.1", 0});
    return os::local_endpoint(socket.value().get()).port;
  }

  /// A listener whose backlog is full: the kernel drops the first packets of more.
  base::HostPort silent() {
    deaf_ = os::listen_tcp({"127.0.0.1", 0}).value().release();
    ::listen(deaf_, 0);
    const base::Endpoint at = os::local_endpoint(deaf_);
    for (int i = 0; i < 4; ++i) fillers_.push_back(os::connect_tcp(at).value().release());
    return {"127.0.0.1", at.port};
  }

  ~OsPlace() {
    for (const int socket : fillers_) ::close(socket);
    if (deaf_ >= 0) ::close(deaf_);
  }
  OsPlace(const OsPlace&) = delete;
  OsPlace& operator=(const OsPlace&) = delete;

 private:
  std::size_t streams_max_, unread_max_;
  OsDirectory directory_;
  OsConfig config_;
  caf::actor_system system_{config_};
  os::Clock clock_;
  os::Network near_{system_, clock_, directory_.path(), streams_max_, unread_max_};
  os::Network far_{system_, clock_, directory_.path(), streams_max_, unread_max_};
  int deaf_ = -1;
  std::vector<int> fillers_;
};

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace troupe::test
