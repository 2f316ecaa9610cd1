#pragma once
// A key of the DHT, as a person types it.
//
//   /kv/NAME           the value that this node has signed under that name
//   /kv/KEY            a signed value, by its 40 hexadecimal digits as `dht put` prints it
//   /cid/DIGEST        a value by its hash: 64 digits
//   /pk/ID             a node's public key by its id: 40 digits
//   /kv/NAME@ID        the value that the node ID has signed under that name
//   NAME, NAME@ID      short for /kv/NAME, /kv/NAME@ID
#include <optional>
#include <string>

#include "actors/dht/logic/record.hpp"

namespace troupe::apps::dht_command {

struct TypedKey {
  dht::Space space = dht::Space::kv;
  std::optional<dht::Key> key;         ///< given by its digits
  std::optional<base::Digest> digest;  ///< the hash of a /cid key
  std::string name;                    ///< empty unless key and digest are missing
  std::optional<base::NodeId> owner;   ///< the owner of the name; nullopt: the node that is asked
};

/// Returns nullopt for an unknown form, a name above 64 bytes, or a key with wrong_digits().
std::optional<TypedKey> parse_key(const std::string& typed);
/// Returns the fault of a key with missing or extra digits, or nullopt. More than 20 digits after /kv/ count as a
/// mistyped key, not as a name.
std::optional<std::string> wrong_digits(const std::string& typed);
/// Returns the fault of a name above 64 bytes, or nullopt.
std::optional<std::string> long_name(const std::string& typed);

}  // namespace troupe::apps::dht_command
