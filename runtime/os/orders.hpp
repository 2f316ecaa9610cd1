#pragma once
// The orders of a stream or listener to its broker: one message per call, which never leaves this folder.
#include <caf/actor_cast.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <caf/mailbox_element.hpp>
#include <cstdint>
#include <utility>

#include "runtime/base/bytes.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::os {

enum class Command : std::uint8_t {
  write,    ///< queue `bytes`
  own,      ///< send events to `owner` from now on
  pause,    ///< stop reading
  resume,   ///< read again
  close,    ///< send the queued bytes, then close
  abandon,  ///< close without waiting for the other side
  forget,   ///< the stream or listener no longer has an owner: close, without events
  abort,    ///< the network ends: close at once
  go_on,    ///< there is space again, to accept a stream or in the owner's queue
  leave,    ///< end now: nothing of the previous round is pending (`leave_later`)
};

struct BrokerCommand {
  Command command = Command::go_on;
  base::Bytes bytes{};
  caf::weak_actor_ptr owner{};
};

}  // namespace troupe::os

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::os::BrokerCommand)

namespace troupe::os {

inline void give(const caf::strong_actor_ptr& broker, BrokerCommand order) {
  if (!broker) return;
  broker->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(order)), nullptr);
}
inline void give(const caf::strong_actor_ptr& broker, Command command) { give(broker, BrokerCommand{command}); }
inline void give(const caf::weak_actor_ptr& broker, Command command) {
  give(caf::actor_cast<caf::strong_actor_ptr>(broker), BrokerCommand{command});
}

/// Ends a broker in the next round of the multiplexer. In the round in which its descriptor was added, CAF would forget
/// both the adding and the removal, and keep the descriptor forever.
inline void leave_later(caf::io::network::multiplexer& rounds, caf::strong_actor_ptr broker) {
  rounds.post([broker = std::move(broker)] { give(broker, Command::leave); });
}

}  // namespace troupe::os
