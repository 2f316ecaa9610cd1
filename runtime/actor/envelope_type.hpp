#pragma once
// The envelope as a CAF message, the one type for messages between actors; and two private types. Not for domains.
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/mailbox_element.hpp>
#include <typeinfo>

#include "runtime/actor/actor.hpp"
#include "runtime/actor/envelope.hpp"

namespace troupe::runtime {

/// A timer without delay, which an actor sends to itself: it runs after the messages that already wait.
struct SoonMessage {
  TimerTag tag;
  std::uint64_t number;  ///< of the call that set it; a later call cancels it
};

}  // namespace troupe::runtime

// "Unsafe" is CAF's word for a type that it cannot serialize; runtime/net sends the words itself.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::runtime::Envelope)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::runtime::Outbound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::runtime::SoonMessage)

namespace troupe::runtime {

/// Returns the envelope in a mailbox element, or nullptr if the element has another content.
inline Envelope* envelope_in(caf::mailbox_element& element) {
  using Direct = caf::mailbox_element_vals<Envelope>;
  // Nearly all elements have this class. CAF's own check makes seven virtual calls, twice per message.
  if (&typeid(element) == &typeid(Direct)) [[likely]]
    return &std::get<0>(static_cast<Direct&>(element).data());
  auto& content = element.content();
  return content.match_elements<Envelope>() ? &content.get_mutable_as<Envelope>(0) : nullptr;
}

}  // namespace troupe::runtime
