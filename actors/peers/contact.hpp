#pragma once
// A contact in the words of messages/common.capnp, there and back.
#include "actors/peers/logic/contact.hpp"
#include "messages/common.capnp.h"

namespace troupe::peers {

void write(messages::wire::Contact::Builder to, const Contact& contact);

/// Whatever the words say, without a judgement: the endpoint may not be dialable, the id may lack its work.
Contact read(messages::wire::Contact::Reader from);

}  // namespace troupe::peers
