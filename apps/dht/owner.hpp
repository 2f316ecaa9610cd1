#pragma once
// Finds nodes that a command of `troupe dht` names by their ids: their keys, and the values that they have signed.
#include "apps/cli/client.hpp"
#include "apps/dht/key.hpp"

namespace troupe::apps::dht_command {

/// Returns the public key of a node, which its id proves: from the asked node, from the node itself, or from /pk.
base::Result<base::PublicKey, Failure> public_key_of(Client& client, const base::NodeId& id);

/// Replaces another node's name by the key of the value that the node signs under it.
std::optional<Failure> resolve(Client& client, TypedKey& key);

/// Returns the failure for another node's name, which only that node can put or withdraw; the text begins with `where`.
Failure anothers_name(const std::string& where = {});

}  // namespace troupe::apps::dht_command
