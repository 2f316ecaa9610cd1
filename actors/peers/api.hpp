#pragma once
// What other domains of the node may ask its peers, at the path kPath: `node().find(peers::kPath)`.
//
// ListKnown  answered by KnownContacts: all nodes to which a link is allowed, as candidates to hold or find something.
// WhereAmI   answered by OwnPlace: where others can dial this node, as it was told or as its peers agree.
//
// To talk to another node, a domain uses `node().remote(id, path)`, which dials by itself.
#include <vector>

#include "actors/peers/logic/contact.hpp"
#include "messages/peers.capnp.h"

namespace troupe::peers {

inline constexpr const char* kPath = "/peers";
inline constexpr std::size_t kKnownContactsMax =
    1000;  // of messages/peers.capnp; further contacts are neither sent nor read

/// The contacts of an answer, at most kKnownContactsMax, by id. Their ids: crypto::node_id(key, nonce).
/// A contact whose endpoint is not dialable is linked, and can only be reached through that link.
std::vector<Contact> read(wire::KnownContacts::Reader known);

}  // namespace troupe::peers
