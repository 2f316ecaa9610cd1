#pragma once
// One life of a simulated machine: its node, and the effects of slow devices, slow processors, pauses, power failures
// and planned breaks on that node's actors.
//
// Device  a handler pays for the time of its disk operations (Disk::slow) when it ends: until that time has passed, its
//         actor does not run again, and messages that it sent after the first operation are held back. Other actors
//         continue. The handler's clock includes the time at once.
// Power   while a failure is planned (Disk::halt_after), messages of a handler are sent when it ends. If the power
//         fails within a handler, none of its messages is sent, and the life ends before any other actor runs.
// Slow    the node works for kWorkSpan, at most kWorkMessages because handlers take no time; then all of it rests.
// Ended   after its end no message of its actors is sent.
// Not     held back: new actors, and writes to a network. Actors that use the disk cause neither.
// Owner   one machine.
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "runtime/actor/host.hpp"
#include "runtime/actor/node.hpp"
#include "runtime/sim/disk.hpp"
#include "runtime/sim/node_ports.hpp"

namespace troupe::sim {

/// The error of an actor that Life::break_next breaks, and of every actor that ends because of it.
inline constexpr const char* kBrokenByFault = "a fault of the simulation broke the actor";

inline constexpr std::chrono::milliseconds kWorkSpan{1};
inline constexpr unsigned kWorkMessages = 32;  // our choice: some 30 us each, as on a busy small machine

class Life final : private runtime::Host {
 public:
  /// Calls `halted`, which must end this life, when the power has failed in a handler.
  Life(Stage& stage, Disk& disk, NodePorts& its_ports, const runtime::NodeLimits& limits, std::function<void()> halted);
  ~Life() override;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  /// Stops all actors until resume() was called as often as pause().
  void pause();
  void resume();
  /// Makes the node rest for `rest` after each kWorkSpan of work; zero ends that.
  void slow(base::Duration rest);

  using MayBreak = std::function<bool(std::string_view path)>;
  /// Breaks the actor that gets the `nth` message from now on (counted from 1), and calls `hit` at that moment. Only
  /// messages to actors that `may` break are counted.
  void break_next(std::uint64_t nth, MayBreak may, std::function<void()> hit);

  /// Orders all actors to end, and lets them run until they have ended. A second call does nothing.
  void end();

  NodePorts& ports;
  runtime::Node node;

 private:
  struct Sent {
    caf::strong_actor_ptr to;
    caf::mailbox_element_ptr element;
  };
  struct Busy {  // an actor that waits for its device
    std::vector<Sent> sent;
    Stage::Appointment until;
    bool due = false;  // the device is done, but the node is stopped
  };
  struct Break {
    std::uint64_t nth;
    MayBreak may;
    std::function<void()> hit;
  };

  void runs(std::uint64_t actor) override;
  void ran(std::uint64_t actor) override;
  void handles(std::string_view path) override;
  bool takes(std::uint64_t actor, caf::actor_control_block& to, caf::mailbox_element_ptr& element) override;

  static void deliver(std::vector<Sent> sent);
  void release(std::uint64_t actor);
  void order_end();
  void work();
  void rest();
  void stop_or_go();

  Stage& stage_;
  Disk& disk_;
  std::function<void()> halted_;
  bool ended_ = false;
  std::set<ActorNumber> ordered_;  // to end
  ActorNumber running_ = 0;
  std::vector<Sent> at_hand_;  // messages that the running actor has sent
  std::map<ActorNumber, Busy> busy_;
  std::optional<Break> break_;

  unsigned pauses_ = 0;
  bool resting_ = false;
  bool stopped_ = false;                    // because of a pause or a rest
  std::vector<ActorNumber> parked_;         // actors that were parked because the node is stopped
  base::Duration rest_{0};                  // after each span of work; zero: none
  unsigned worked_ = 0;                     // messages handled in this span
  std::optional<Stage::Appointment> turn_;  // the end of the span, or of the rest
};

}  // namespace troupe::sim
