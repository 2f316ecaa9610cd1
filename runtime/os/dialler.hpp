#pragma once
// Resolves and connects with a deadline, on its own threads, because getaddrinfo blocks, and CAF's connect does too.
//
// States  a dial waits for its turn, resolves, connects to one address after the other, and is done. A dial that is not
//         done at its deadline fails, even while its name resolution hangs.
// Limits  kDialsMax dials, kConnectsMax of them connecting at once, and kLookupThreads name resolutions at once.
// Room    while dials wait to connect, addresses that have not responded for kConnectShare are given up, the oldest
//         first. So an attacker that names silent addresses does not delay other dials.
// Ends    the destructor fails all open dials. A hanging resolution keeps its thread after that; its result is dropped.
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/ports/clock.hpp"

namespace troupe::os {

inline constexpr std::size_t kDialsMax = 1024;                    // our choice: joining needs tens
inline constexpr std::size_t kConnectsMax = 256;                  // our choice: 170 silent addresses per second
inline constexpr std::chrono::milliseconds kConnectShare{1'500};  // our choice: the kernel retries after 1 s
inline constexpr std::size_t kLookupThreads = 2;                  // one may hang on a dead name server

class Dialler {
 public:
  struct Result {
    Descriptor socket;  ///< connected, or invalid
    base::Endpoint to;
    std::string why;  ///< if not connected: why
  };
  /// Called once, in the dialler's thread, or in the caller's if it refuses at once.
  using Done = std::function<void(Result)>;

  /// Whether an address may be connected to. Called in the dialler's thread.
  using Allows = std::function<bool(const base::Endpoint&)>;

  explicit Dialler(const ports::Clock& clock);
  ~Dialler();
  Dialler(const Dialler&) = delete;
  Dialler& operator=(const Dialler&) = delete;

  /// Starts a dial. For each `owner` except 0, one name is resolved at a time.
  void dial(const base::HostPort& to, base::Instant due, Done done, Allows allows = {}, std::uint64_t owner = 0);
  /// Dials a local socket at `path`; fails unless this user or root listens there.
  void dial_local(const std::string& path, base::Instant due, Done done);

 private:
  struct Dial;
  class Lookups;

  void add(std::unique_ptr<Dial> dial);
  void looked_up(std::uint64_t number, std::vector<base::Endpoint> addresses);
  void run();
  void make_room();
  void begin_waiting();
  void wait_for_sockets();
  void expire();
  void next_address(Dial& dial);
  void finish(std::uint64_t number, Result result);
  void ring();

  const ports::Clock& clock_;
  Descriptor bell_;  // eventfd: new work for the thread
  std::shared_ptr<Lookups> lookups_;
  std::mutex mutex_;  // guards the members up to the next empty line
  std::vector<std::unique_ptr<Dial>> fresh_;
  std::vector<std::pair<std::uint64_t, std::vector<base::Endpoint>>> answers_;
  std::size_t known_ = 0;
  bool ending_ = false;
  std::map<std::uint64_t, std::unique_ptr<Dial>> dials_;  // used only by the thread, like the rest
  std::uint64_t number_next_ = 1;
  std::thread thread_;
};

}  // namespace troupe::os
