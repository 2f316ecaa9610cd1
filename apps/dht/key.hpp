#pragma once
// What a person types for a key of the DHT.
//
//   /kv/NAME           what this node has signed under that name
//   /kv/KEY            a signed value, by its 40 hexadecimal digits as `dht put` prints it
//   /cid/DIGEST        a value by its hash: 64 digits
//   /pk/ID             a node's public key by its id: 40 digits
//   /kv/NAME@ID        what that node has signed under the name
//   NAME, NAME@ID      short for /kv/NAME, /kv/NAME@ID
#include <optional>
#include <string>

#include "actors/dht/logic/record.hpp"

namespace troupe::apps::dht_command {

struct TypedKey {
  dht::Space space = dht::Space::kv;
  std::optional<dht::Key> key;         ///< by its digits
  std::optional<base::Digest> digest;  ///< of cid
  std::string name;                    ///< empty unless neither is given
  std::optional<base::NodeId> owner;   ///< of the name; nothing: the node that is asked
};

/// Nothing for what is none of these, a name above 64 bytes, or what has wrong_digits().
std::optional<TypedKey> parse_key(const std::string& typed);
/// What is wrong with a key of a space that has lost or won some digits; nothing with any other. After /kv/ more than
/// 20 are meant for a key: a name would not be found.
std::optional<std::string> wrong_digits(const std::string& typed);
/// What is wrong with a name that has more; nothing with any other key.
std::optional<std::string> long_name(const std::string& typed);

}  // namespace troupe::apps::dht_command
