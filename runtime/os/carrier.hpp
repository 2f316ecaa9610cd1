#pragma once
// Carries what programs in sandboxes say to the hosts that they may talk to: it takes connections at the loopback of a
// sandbox, dials the host from this machine, and moves bytes both ways until both have ended.
//
// Reach   a host is dialled at addresses that ports::may_reach() allows alone; the look-up is this machine's.
// Half    a side that has ended is told to the other one, which may go on.
// Limits  kCarriedMax connections per process, kCarriedOfAllMax in all, and no more per process than are free, so that
//         some are always free (Choudhury & Hahne, "Dynamic queue length thresholds", 1998). A connection above a limit
//         is closed at once. A connection holds kCarriedBytes for each direction; a slow reader slows its writer down.
//         A dial takes at most kDialPatience.
// Use     wait until descriptor() can be read, then step().
// Safety  one thread.
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

  /// descriptor() is invalid if the system has no room.
  explicit Carrier(const ports::Clock& clock);
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  int descriptor() const { return watch_.get(); }
  /// `listeners` take connections to `hosts`, one each.
  void add(Process process, std::vector<Descriptor> listeners, const std::vector<base::HostPort>& hosts,
           ports::Reach reach);
  /// Ends all connections of that process; nothing if there is none.
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
  /// From one side to the other.
  struct Way {
    std::vector<char> bytes;
    std::size_t sent = 0;  // of them
    bool ended = false;    // nothing more comes
    bool told = false;     // the other side knows
    bool over() const { return ended && told; }
  };
  struct Side {
    Descriptor socket;
    std::uint32_t events = 0;  // that are waited for
    bool watched = false;
    bool left = false;  // it has ended, and is waited for no more
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
  /// False once the connection has failed.
  bool pump(Flow& flow, std::size_t from);
  void watch(std::uint64_t number, Flow& flow);
  void leave(Side& side);
  std::size_t carried_of(Process process) const;

  const ports::Clock& clock_;
  Descriptor watch_, bell_;
  std::uint64_t number_ = 0;
  std::map<std::uint64_t, Listener> listeners_;
  std::map<std::uint64_t, Flow> flows_;
  std::mutex mutex_;  // of answers_, which come in the dialler's thread
  std::vector<Answer> answers_;
  std::unique_ptr<Dialler> dialler_;  // made for the first connection; last, for its end answers what is under way
};

}  // namespace troupe::os
