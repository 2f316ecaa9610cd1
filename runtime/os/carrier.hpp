#pragma once
// Carries the connections of sandboxed programs to the hosts that they may use. It accepts connections at the loopback
// of a sandbox, dials the host from this machine, and moves bytes both ways until both directions have ended.
//
// Reach   a host is dialled only at addresses that ports::may_reach() allows; this machine resolves the host's name.
// Half    if one side ends its direction, the other side is notified, and may continue to send.
// Limits  kCarriedMax connections per process, kCarriedOfAllMax in all. A process also has at most as many connections
//         as are free, so that some are always free (Choudhury & Hahne, "Dynamic queue length thresholds", 1998). Above
//         a limit a connection is closed at once. A connection has kCarriedBytes for each direction; a slow reader
//         slows its writer down. A dial takes at most kDialPatience.
// Use     wait until descriptor() is readable, then call step(). Safety: one thread.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/os/dialler.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::os {

inline constexpr std::size_t kCarriedMax = 64;                       // our choice
inline constexpr std::size_t kCarriedOfAllMax = 256;                 // our choice: two descriptors each
inline constexpr std::size_t kCarriedBytes = std::size_t{16} << 10;  // our choice
inline constexpr std::chrono::seconds kDialPatience{15};             // our choice

class Carrier {
 public:
  using Process = std::uint64_t;  // as the caller names it

  /// If the system has no descriptor left, descriptor() is invalid.
  explicit Carrier(const ports::Clock& clock);
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  int descriptor() const { return watch_.get(); }
  /// Each of `listeners` accepts connections to one of `hosts`.
  void add(Process process, std::vector<Descriptor> listeners, const std::vector<base::HostPort>& hosts,
           ports::Reach reach);
  /// Ends all connections of that process; does nothing if there is none.
  void remove(Process process);
  void step();

  std::size_t carried() const { return flows_.size(); }

 private:
  struct Listener {
    Process process;
    Descriptor socket;
    base::HostPort host;
    std::shared_ptr<const ports::Reach> reach;
  };
  /// One direction, from one side to the other.
  struct Way {
    std::vector<char> bytes;
    std::size_t sent = 0;  // the part of them that was sent
    bool ended = false;    // no further bytes will come
    bool told = false;     // the other side was notified
    bool over() const { return ended && told; }
  };
  struct Side {
    Descriptor socket;
    std::uint32_t events = 0;  // events that epoll waits for
    bool watched = false;
    bool left = false;  // it has ended, and epoll no longer waits for it
  };
  struct Flow {
    Process process;
    std::array<Side, 2> sides;  // inside, outside; the latter is invalid while it is dialled
    std::array<Way, 2> ways;    // from inside, from outside
  };
  struct Answer {
    std::uint64_t flow;
    Descriptor socket;
  };

  void take_answers();
  void accept_at(std::uint64_t number);
  void move(std::uint64_t number, std::size_t side, std::uint32_t events);
  /// Returns false once the connection has failed.
  bool pump(Flow& flow, std::size_t from);
  void watch(std::uint64_t number, Flow& flow);
  void leave(Side& side);
  std::size_t carried_of(Process process) const;

  const ports::Clock& clock_;
  Descriptor watch_, bell_;
  std::uint64_t number_ = 0;
  std::map<std::uint64_t, Listener> listeners_;
  std::map<std::uint64_t, Flow> flows_;
  std::mutex mutex_;  // guards answers_, which come in the dialler's thread
  std::vector<Answer> answers_;
  std::unique_ptr<Dialler> dialler_;  // made for the first connection; last, as its destructor ends open dials
};

}  // namespace troupe::os
