#pragma once
// One life of a simulated machine: its node, and what a slow device, a slow processor, a pause, a failing power and a
// planned break do to the actors of that node.
//
// Device  what a handler's disk operations cost (Disk::slow) it owes when it ends: until that time has passed its actor
//         does not run again, and what it sent after the first of them does not leave. What others do goes on. Its
//         clock shows what it owes at once.
// Power   while its failure is planned (Disk::halt_after), what a handler sends leaves when it ends. If the power fails
//         in it nothing of it leaves, what it sent before included, and the life ends before any other actor runs.
// Slow    the node works for kWorkSpan, but for kWorkMessages at most, as handlers take no time; then all of it rests.
// Ended   nothing that its actors send leaves.
// Not     held back: actors that it spawns, and what it writes to a network. An actor that uses the disk does neither.
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

/// What is said of an actor that breaks by Life::break_next, and so by every actor that it takes with it.
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
  /// Zero ends it.
  void slow(base::Duration rest);

  using MayBreak = std::function<bool(std::string_view path)>;
  /// The actor that takes the `nth` message from now on, 1 and on, breaks, and `hit` is called as it does. Messages to
  /// others than `may` are not counted.
  void break_next(std::uint64_t nth, MayBreak may, std::function<void()> hit);

  /// Orders all actors to end, and lets them run for it. Nothing happens if that was done.
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
    bool due = false;  // but everybody is stopped
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
  std::vector<Sent> at_hand_;  // of the one that runs
  std::map<ActorNumber, Busy> busy_;
  std::optional<Break> break_;

  unsigned pauses_ = 0;
  bool resting_ = false;
  bool stopped_ = false;                    // by one of these
  std::vector<ActorNumber> parked_;         // while it is
  base::Duration rest_{0};                  // after each span of work; zero: none
  unsigned worked_ = 0;                     // messages of this span
  std::optional<Stage::Appointment> turn_;  // the end of the span, or of the rest
};

}  // namespace troupe::sim
