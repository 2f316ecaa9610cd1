#pragma once
// Converts responses of nodes to the plain structs of data.hpp.
#include "apps/inspect/screens/data.hpp"
#include "messages/dht.capnp.h"
#include "messages/files.capnp.h"
#include "messages/inspect.capnp.h"
#include "messages/links.capnp.h"
#include "messages/node.capnp.h"
#include "messages/peers.capnp.h"
#include "runtime/observe/decode.hpp"

namespace troupe::apps::screens {

Status read(node::wire::NodeStatus::Reader from);
ActorRow read(inspect::wire::ActorRow::Reader from);
ActorList read(inspect::wire::ActorRows::Reader from);
std::vector<EndedRow> read(inspect::wire::EndedRows::Reader from);
std::vector<PeerRow> read(peers::wire::PeerRows::Reader from);
std::vector<LinkRow> read(net::wire::LinkRows::Reader from);
/// Returns the id of a node: 40 hexadecimal digits.
std::string id_of(messages::wire::Contact::Reader contact);
RoutingTable read(dht::wire::TableRows::Reader from);
FileMap::Part read(files::wire::ViewContent::Reader from);
Look read(inspect::wire::Looked::Reader from);
/// Reads a message. `decoder` has learnt the types that were sent before.
Message read(inspect::wire::FollowedMessage::Reader from, const observe::Decoder& decoder);

}  // namespace troupe::apps::screens
