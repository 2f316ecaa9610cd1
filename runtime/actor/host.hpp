#pragma once
// The host of a simulated node: sees its actors run, may keep the messages that they send, and may break them.
//
// Production has none: then each of these calls costs a comparison with null.
// It does not see messages that an actor puts into its own mailbox, wake-ups of its clock, and writes to a network.
#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>
#include <cstdint>
#include <string_view>

namespace troupe::runtime {

class Host {
 public:
  virtual ~Host() = default;

  /// An actor starts to handle its mailbox, and has finished: one message or more, or its start. `actor` is CAF's
  /// number, as in all of these.
  virtual void runs(std::uint64_t actor) = 0;
  virtual void ran(std::uint64_t actor) = 0;

  /// A handler, or the callback of a response, starts in the actor at `path`. An exception from here breaks the actor
  /// as if the handler had thrown it.
  virtual void handles(std::string_view path) = 0;

  /// An actor sends to another. Returns true if the host has taken `element`, for later or for good.
  virtual bool takes(std::uint64_t actor, caf::actor_control_block& to, caf::mailbox_element_ptr& element) = 0;
};

}  // namespace troupe::runtime
