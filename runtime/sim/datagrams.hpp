#pragma once
// Datagrams between the simulated nodes of one fabric: who is bound where, and what becomes of each on its way.
//
// Model   UDP as its users see it: whole or not at all, and no node learns what was lost. A way has one latency:
//         one datagram overtakes another only by a fault.
// Faults  DatagramFaults, and those of the fabric. A cut loses what leaves or would arrive under it. A clog delays. A
//         narrow way is shared with streams, and loses what would wait for it longer than kNarrowWaitMax. A wrong bit
//         is in what leaves next, be it a datagram or a piece of a stream. Who has vanished neither sends nor receives.
// Chance  each way draws from a stream of its own, and only for those of DatagramFaults that are set.
// Cost    of one that travels: one look-up, an appointment that fits into its place, the event and its credit. The
//         vector of a batch of one becomes that of the event. Each place that sends has 16 bytes for every other one.
// Owner   the fabric; one thread.
#include <caf/actor_control_block.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/sim/fabric.hpp"

namespace troupe::sim {

inline constexpr std::chrono::milliseconds kLateMax{100};  // our choice: behind many others, within most patience
inline constexpr std::chrono::seconds kNarrowWaitMax{1};   // our choice: what buffers of home routers hold
inline constexpr std::uint32_t kFaultsWhole = 1'000'000;   // DatagramFaults are parts of this

class DatagramWays {
 public:
  explicit DatagramWays(Fabric& fabric) : fabric_(fabric) {}

  /// Null if the place is taken. Port 0 picks a free one.
  std::unique_ptr<ports::Datagrams> open(base::Endpoint at, const runtime::Handle& owner);

  /// Gives up all that is bound at that address: its owners neither send nor hear anything more.
  void vanish(const Address& node);

  /// What befalls datagrams that are sent from now on.
  void set(const DatagramFaults& faults) { faults_ = faults; }

 private:
  struct Binding;
  /// One owner at one place.
  struct Bound {
    Binding* place = nullptr;  ///< null: given up
    caf::weak_actor_ptr owner;
    ports::DatagramCounts counts;
    std::size_t waiting = 0;  ///< for the owner to handle them
  };
  struct Route {
    base::Duration latency{-1};            ///< negative: nothing was sent there yet
    std::unique_ptr<base::Random> chance;  ///< null until something may be drawn
  };
  struct Hash {
    std::size_t operator()(const base::Endpoint& endpoint) const;
  };
  /// Kept for good, so that what travels may point to it.
  struct Binding {
    base::Endpoint at;
    std::size_t number = 0;
    std::shared_ptr<Bound> bound;
    std::vector<Route> ways;  ///< by the number of the place where they lead
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
  std::unordered_map<base::Endpoint, Binding, Hash> places_;  // by where they are; its order reaches no node
};

}  // namespace troupe::sim
