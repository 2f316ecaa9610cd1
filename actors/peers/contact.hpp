#pragma once
// A contact in the words of messages/common.capnp, there and back.
#include "actors/peers/logic/contact.hpp"
#include "runtime/net/contact_wire.hpp"

namespace troupe::peers {

inline void write(messages::wire::Contact::Builder to, const Contact& contact) { net::write_contact(to, contact); }
inline Contact read(messages::wire::Contact::Reader from) { return net::read_contact(from); }

}  // namespace troupe::peers
