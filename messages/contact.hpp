#pragma once
// Writes and reads a contact of messages/common.capnp.
#include "messages/common.capnp.h"
#include "runtime/base/contact.hpp"

namespace troupe::messages {

void write_contact(wire::Contact::Builder to, const base::Contact& contact);

/// The contact as sent, unchecked: the endpoint may not be dialable, the id may lack its work.
base::Contact read_contact(wire::Contact::Reader from);

}  // namespace troupe::messages
