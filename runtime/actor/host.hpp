#pragma once
// What a node runs on where that is simulated: sees its actors run, may keep what they send, and may break them.
//
// Production has none: then each of these places costs a comparison with null.
// Not seen are what an actor puts into its own mailbox, wake-ups of its clock, and what it writes to a network.
#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>
#include <cstdint>
#include <string_view>

namespace troupe::runtime {

class Host {
 public:
  virtual ~Host() = default;

  /// An actor begins to handle what is in its mailbox, and has done so: one message or more, or its start.
  /// `actor` is CAF's number, as in all of these.
  virtual void runs(std::uint64_t actor) = 0;
  virtual void ran(std::uint64_t actor) = 0;

  /// A handler, or the callback of an answer, begins in the actor at `path`. What this throws breaks the actor as if
  /// the handler had thrown it.
  virtual void handles(std::string_view path) = 0;

  /// An actor sends to another. True: the host has taken `element`, for later or for good.
  virtual bool takes(std::uint64_t actor, caf::actor_control_block& to, caf::mailbox_element_ptr& element) = 0;
};

}  // namespace troupe::runtime
