#pragma once
// Writes and reads a contact of messages/common.capnp.
#include "actors/peers/logic/contact.hpp"
#include "messages/contact.hpp"

namespace troupe::peers {

inline void write(messages::wire::Contact::Builder to, const Contact& contact) { messages::write_contact(to, contact); }
inline Contact read(messages::wire::Contact::Reader from) { return messages::read_contact(from); }

}  // namespace troupe::peers
