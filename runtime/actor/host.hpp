#pragma once
// The host of a simulated node: sees the node's actors run, may keep the messages that they send, and may break actors.
//
// In production there is no host: each of these calls then costs a comparison with null. It does not see messages that
// an actor puts into its own mailbox, wake-ups of its clock, and writes to a network.
#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>
#include <cstdint>
#include <string_view>

namespace troupe::runtime {

class Host {
 public:
  virtual ~Host() = default;

  /// An actor begins (runs) or ends (ran) a turn: it starts, or handles one or more messages. `actor` is CAF's number,
  /// as in all calls here.
  virtual void runs(std::uint64_t actor) = 0;
  virtual void ran(std::uint64_t actor) = 0;

  /// A handler, or the callback of a response, starts in the actor at `path`. An exception from here breaks the actor
  /// as if the handler had thrown it.
  virtual void handles(std::string_view path) = 0;

  /// An actor sends `element` to another actor. Returns true if the host has taken it, to deliver it later or never.
  virtual bool takes(std::uint64_t actor, caf::actor_control_block& to, caf::mailbox_element_ptr& element) = 0;
};

}  // namespace troupe::runtime
