#pragma once
// Other nodes that a command of `troupe dht` names by their ids: their keys, and what they have signed.
#include "apps/cli/client.hpp"
#include "apps/dht/key.hpp"

namespace troupe::apps::dht_command {

/// The public key of a node, which its id proves: of the node that is asked, of one that answers it, or what it has
/// published under /pk.
base::Result<base::PublicKey, Failure> public_key_of(Client& client, const base::NodeId& id);

/// Puts in place of another node's name the key of what that node signs under it.
std::optional<Failure> resolve(Client& client, TypedKey& key);

/// A value is put, and withdrawn, by the node that signs it; `where` it was asked for goes before that.
Failure anothers_name(const std::string& where = {});

}  // namespace troupe::apps::dht_command
