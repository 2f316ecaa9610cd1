#pragma once
// Datagrams between the simulated nodes of one fabric: the bound sockets, and the fate of each datagram.
//
// Model   UDP as its users see it: a datagram arrives whole or not at all, and no node learns of a loss. A route has
//         one latency, so a datagram overtakes another only by a fault.
// Faults  DatagramFaults, and the faults of the fabric. A cut loses datagrams that leave or would arrive during it. A
//         clog delays. A narrow link is shared with streams, and drops datagrams that would wait longer than
//         kNarrowWaitMax. A planned wrong bit hits the next datagram or piece of a stream. A vanished node neither
//         sends nor receives.
// Chance  each route draws from its own stream, and only for the DatagramFaults that are set.
// Cost    per datagram: one hash search, an event without allocation, the message and its credit. A batch of one
//         passes its vector on to the message. Each sending socket has 16 bytes for every other socket.
// Owner   the fabric; one thread.
#include <caf/actor_control_block.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/sim/fabric.hpp"

namespace troupe::sim {

inline constexpr std::chrono::milliseconds kLateMax{100};  // our choice: after many others, but within most time-outs
inline constexpr std::chrono::seconds kNarrowWaitMax{1};   // our choice: the buffer of a home router
inline constexpr std::uint32_t kFaultsWhole = 1'000'000;   // DatagramFaults are parts of this

class DatagramWays {
 public:
  explicit DatagramWays(Fabric& fabric) : fabric_(fabric) {}

  /// Opens a socket; returns null if the address is in use. Port 0 picks a free port.
  std::unique_ptr<ports::Datagrams> open(base::Endpoint at, const runtime::Handle& owner);

  /// Releases all sockets of that address: their owners neither send nor receive any longer.
  void vanish(const Address& node);

  /// Sets the faults of datagrams that are sent from now on.
  void set(const DatagramFaults& faults) { faults_ = faults; }

 private:
  struct Binding;
  /// The state of one socket, from open() until its release.
  struct Bound {
    Binding* place = nullptr;  ///< null: released
    caf::weak_actor_ptr owner;
    ports::DatagramCounts counts;
    std::size_t waiting = 0;  ///< datagrams that the owner has not handled
  };
  struct Route {
    base::Duration latency{-1};            ///< negative: nothing was sent there yet
    std::unique_ptr<base::Random> chance;  ///< null until a fault may be drawn
  };
  struct Hash {
    std::size_t operator()(const base::Endpoint& endpoint) const;
  };
  /// An address that was bound once. Kept forever, so that datagrams in flight may point to it.
  struct Binding {
    base::Endpoint at;
    std::size_t number = 0;
    std::shared_ptr<Bound> bound;
    std::vector<Route> ways;  ///< by the number of their destination
  };
  using Alone = std::vector<ports::Datagram>;  // one datagram, in the vector of its event
  class End;
  class Credit;

  void give_up(Bound& bound);
  void send(Bound& bound, Alone alone);
  Binding* present(const base::Endpoint& at);
  Route& way(Binding& from, const Binding& to);
  void travel(const Route& way, Binding& to, base::Instant arrives, Alone alone);
  void arrive(const Binding& to, Alone alone);

  Fabric& fabric_;
  DatagramFaults faults_;
  std::unordered_map<base::Endpoint, Binding, Hash> places_;  // by address; nothing depends on the order
};

}  // namespace troupe::sim
