#pragma once
// How the events of ports are sent as CAF messages. Together with the Envelope these are the only message types between
// actors; all stay inside runtime/.
//
// WakeUp       one element, sent by Clock::wake with CAF's high priority, so that a full queue delays no deadline.
// StreamEvent  one element, normal priority, so that the events of one stream keep their order. Only the mailbox
//              element owns it, so the receiver moves a buffer out (`take_event`), and no byte is copied between the
//              stream and its owner.
// ProcessEvent the same for a process.
// Limits of mailboxes do not apply to these messages: an actor has at most one wake-up, Stream::pause limits the events
// of a stream, and credits limit datagrams and the output of processes.
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/mailbox_element.hpp>
#include <utility>

#include "runtime/ports/handle.hpp"
#include "runtime/ports/network.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::ports {

/// The wake-up that an actor requested from its Clock. It has no data: the actor compares its deadlines again.
struct WakeUp {};

}  // namespace troupe::ports

// "Unsafe" is CAF's word for a type that cannot be serialized; these never leave the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::ports::WakeUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::ports::StreamEvent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::ports::ProcessEvent)

namespace troupe::ports {

/// Sends `event` to the owner of a stream or listener. Does nothing without an owner. Safe from any thread.
inline void deliver(const runtime::Handle& owner, StreamEvent event) {
  if (!owner) return;
  owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(event)), nullptr);
}

/// Does the same for a process.
inline void deliver(const runtime::Handle& owner, ProcessEvent event) {
  if (!owner) return;
  owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(event)), nullptr);
}

/// Sends the wake-up. Safe from any thread.
inline void deliver_wake_up(const caf::strong_actor_ptr& sleeper) {
  if (!sleeper) return;
  const auto id = caf::make_message_id(caf::message_priority::high);
  sleeper->enqueue(caf::make_mailbox_element(nullptr, id, {}, WakeUp{}), nullptr);
}

inline bool is_wake_up(const caf::mailbox_element& element) { return element.content().match_elements<WakeUp>(); }

/// Returns the event in a mailbox element, to be read or moved from; null if the element has another type.
inline StreamEvent* take_event(caf::mailbox_element& element) {
  if (!element.content().match_elements<StreamEvent>()) return nullptr;
  return &element.content().get_mutable_as<StreamEvent>(0);
}
inline ProcessEvent* take_process_event(caf::mailbox_element& element) {
  if (!element.content().match_elements<ProcessEvent>()) return nullptr;
  return &element.content().get_mutable_as<ProcessEvent>(0);
}

}  // namespace troupe::ports
