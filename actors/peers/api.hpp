#pragma once
// The requests that other domains may send to this node's peers, at the path kPath: `node().find(peers::kPath)`.
//
// ListKnown  answered by KnownContacts: all nodes to which a link is allowed, as candidates to store or find data.
// WhereAmI   answered by OwnPlace: where other nodes can dial this node, as configured or as its peers agree.
//
// To reach another node, a domain uses `node().remote(id, path)`, which dials by itself.
#include <vector>

#include "actors/peers/logic/contact.hpp"
#include "messages/peers.capnp.h"

namespace troupe::peers {

inline constexpr const char* kPath = "/peers";
inline constexpr std::size_t kKnownContactsMax =
    1000;  // messages/peers.capnp; further contacts are neither sent nor read

/// Returns an answer's contacts, at most kKnownContactsMax, by id. Their ids: crypto::node_id(key, nonce). A contact
/// whose endpoint is not dialable is linked, and can only be reached through that link.
std::vector<Contact> read(wire::KnownContacts::Reader known);

}  // namespace troupe::peers
