#pragma once
// One life of a simulated machine: its node, and how slow devices, slow processors, pauses, power failures and planned
// breaks affect that node's actors.
//
// Device  a handler owes the time of its disk operations (Disk::slow) when it ends. Until that time has passed its
//         actor does not run again, and messages after the first operation are held back. Other actors continue. The
//         handler's clock includes the owed time at once.
// Power   while a failure is planned (Disk::halt_after), messages of a handler are sent when it ends. If the power
//         fails in it none is sent, also no earlier message of it, and the life ends before any other actor runs.
// Slow    the node works for kWorkSpan, at most kWorkMessages because handlers take no time; then all of it rests.
// Ended   no message of its actors is sent.
// Not     held back: new actors, and writes to a network. An actor that uses the disk does neither.
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

/// The error of an actor that Life::break_next breaks, and so of every actor that it takes with it.
inline constexpr const char* kBrokenByFault = "a fault of the simulation broke the actor";

inline constexpr std::chrono::milliseconds kWorkSpan{1};
inline constexpr unsigned kWorkMessages = 32;  // our choice: some 30 us each, as on a busy small machine

class Life final : private runtime::Host {
 public:
  /// Calls `halted` when the power has failed in a handler: it must end this life.
  Life(Stage& stage, Disk& disk, NodePorts& its_ports, const runtime::NodeLimits& limits, std::function<void()> halted);
  ~Life() override;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  /// No actor runs until resume() was called as often.
  void pause();
  void resume();
  /// Zero ends the slowness.
  void slow(base::Duration rest);

  using MayBreak = std::function<bool(std::string_view path)>;
  /// Breaks the actor that takes the `nth` message from now on (from 1), and calls `hit` at that moment. Only messages
  /// to actors that `may` break are counted.
  void break_next(std::uint64_t nth, MayBreak may, std::function<void()> hit);

  /// Orders all actors to end, and lets them run to do so. A second call does nothing.
  void end();

  NodePorts& ports;
  runtime::Node node;

 private:
  struct Sent {
    caf::strong_actor_ptr to;
    caf::mailbox_element_ptr element;
  };
  struct Busy {  // with its device
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
  std::vector<Sent> at_hand_;  // by the actor that runs
  std::map<ActorNumber, Busy> busy_;
  std::optional<Break> break_;

  unsigned pauses_ = 0;
  bool resting_ = false;
  bool stopped_ = false;                    // by a pause or a rest
  std::vector<ActorNumber> parked_;         // while it is stopped
  base::Duration rest_{0};                  // after each span of work; zero: none
  unsigned worked_ = 0;                     // messages of this span
  std::optional<Stage::Appointment> turn_;  // the end of the span, or of the rest
};

}  // namespace troupe::sim
