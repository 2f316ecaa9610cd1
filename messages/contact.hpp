#pragma once
// A contact in the words of messages/common.capnp, there and back.
#include "messages/common.capnp.h"
#include "runtime/base/contact.hpp"

namespace troupe::messages {

void write_contact(wire::Contact::Builder to, const base::Contact& contact);

/// Whatever the words say, without a judgement: the endpoint may not be dialable, the id may lack its work.
base::Contact read_contact(wire::Contact::Reader from);

}  // namespace troupe::messages
