#pragma once
// A node's signed statement about itself: its address, owner, capabilities and price.
//
// Bytes   "troupe registration v1" || the body || signature (64), by the node's key, of all before it. The body: key
//         (32) || work nonce (4) || sequence (8) || registered (1) || owner (32) || paid to (32) || address (16) ||
//         port (2) || version (1 and 0 to 32) || price (1: 0 none, 1; and 8) || capabilities. Numbers are
//         little-endian.
// Order   of two registrations of a node, the one with the higher sequence is valid; a sequence is a date in ms.
// Paid to an account (actors/wallet); zeros: the account of the node's key.
// Owner   claimed, not proven. A false claim only harms the node, because nodes of one owner never judge the same node.
#include "actors/registry/logic/capability.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::registry {

inline constexpr std::size_t kVersionBytesMax = 32;
inline constexpr std::size_t kRegistrationBytesMax = 4'096;  // our choice: all limits together would allow more

/// Nodes of one owner are not independent. By default the owner is the node's key.
using Owner = base::FixedBytes<struct OwnerTag, 32>;
/// An account (actors/wallet).
using Payee = base::FixedBytes<struct PayeeTag, 32>;

struct Registration {
  base::PublicKey key;
  std::uint32_t nonce = 0;  ///< proof of work of the id
  std::uint64_t sequence = 0;
  bool registered = true;  ///< false: the node has left the list
  Owner owner;
  Payee pay_to{};                      ///< zeros: the account of its key
  base::Endpoint at;                   ///< port 0: it cannot be dialled
  std::string version;                 ///< of its program
  std::optional<std::uint64_t> price;  ///< smallest units per core and hour; nullopt: unpaid
  Capabilities capabilities;

  base::NodeId id() const { return crypto::node_id(key, nonce); }
  friend bool operator==(const Registration&, const Registration&) = default;
};

/// Returns the DHT keys at which a node with these capabilities is announced as a provider: the first 20 bytes of
/// SHA-256("troupe capability v1" || name || "=" || value). A text and each text of a list count; other values are
/// empty.
std::vector<base::NodeId> places_of(const Capabilities& all);

/// Returns nullopt if the result exceeds kRegistrationBytesMax.
std::optional<base::Bytes> sign(const Registration& what, const crypto::SecretKey& key);

enum class ReadError : std::uint8_t {
  malformed,      ///< not the format of sign()
  lacks_work,     ///< the id of its key lacks the network's proof of work
  bad_signature,  ///< not by that key
};
std::string_view name(ReadError error);

/// Checks the signature at the end of `bytes`, by `key` of all before it, and the proof of work of the key's id.
/// Returns what is wrong, or nullopt.
std::optional<ReadError> fault(base::ByteView bytes, const base::PublicKey& key, std::uint32_t nonce,
                               unsigned work_bits);

/// Reads bytes from sign() that this node has verified before; only the format is checked.
std::optional<Registration> parse_registration(base::ByteView bytes);
/// Reads bytes from sign(), with the cheap checks first.
base::Result<Registration, ReadError> read_registration(base::ByteView bytes, unsigned work_bits);

}  // namespace troupe::registry
